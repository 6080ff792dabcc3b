"""Statistics of feature shifts under augmentation: (augmented - clean).

`hashing.data.augmentation_shifts` draws such shifts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..records import AugmentationStatistics

Float64Array = npt.NDArray[np.float64]


class ShiftAccumulator:
    """Adds up the shifts of many clips in memory that does not grow: D x D numbers."""

    def __init__(self, dim: int) -> None:
        self._videos = self._views = self._shifts = 0
        self._squares_of_frames = 0  # sum of T * T over the views
        self._sum: Float64Array = np.zeros(dim)
        self._scatter: Float64Array = np.zeros((dim, dim))  # sum of outer products
        self._within = 0.0  # squared distances of shifts from their view's mean shift

    def add(self, clean: npt.NDArray[np.floating], views: npt.NDArray[np.floating]) -> None:
        """Count one clip.

        Args:
            clean: Features of its frames, (T, D).
            views: Features of the same frames in V augmented views, (V, T, D).

        Raises:
            ValueError: If the shapes do not fit, or a number is not finite.
        """
        if views.ndim != 3 or views.shape[1:] != clean.shape or clean.shape[1:] != self._sum.shape:
            shapes = f"{views.shape}, {clean.shape}"
            raise ValueError(f"views and clean features of {len(self._sum)} numbers: {shapes}")
        shifts = views.astype(np.float64) - clean.astype(np.float64)
        if not np.isfinite(shifts).all():
            raise ValueError("a feature is not finite")
        count, frames = shifts.shape[:2]
        flat = shifts.reshape(-1, len(self._sum))
        self._videos += 1
        self._views += count
        self._shifts += count * frames
        self._squares_of_frames += count * frames**2
        self._sum += flat.sum(axis=0)
        self._scatter += flat.T @ flat
        if frames:
            self._within += float(((shifts - shifts.mean(axis=1, keepdims=True)) ** 2).sum())

    def statistics(
        self, rank: int = 32, *, augmentation: str, mode: str, seed: int
    ) -> AugmentationStatistics:
        """Return mean, low-rank covariance and shared share of all shifts so far.

        Args:
            rank: R, the most directions that the covariance keeps; there are never more than D.
            augmentation: The line of the ``Augmentation`` drawn from.
            mode: ``consistent`` or ``per-frame``.
            seed: Of the sample and the draws.

        Raises:
            ValueError: If fewer than two shifts were added, or ``rank`` is below 1.
        """
        if self._shifts < 2:
            raise ValueError(f"{self._shifts} shifts have no covariance: add clips first")
        if rank < 1:
            raise ValueError(f"a covariance keeps at least 1 direction, not {rank}")
        mean = self._sum / self._shifts
        scatter = self._scatter - self._shifts * np.outer(mean, mean)
        covariance = scatter / (self._shifts - 1)
        basis = _directions(covariance, rank)
        variance = float(np.trace(covariance))
        held = float((basis**2).sum())
        return AugmentationStatistics(
            mean=mean.astype(np.float32),
            basis=basis.astype(np.float32),
            residual=np.maximum(np.diag(covariance) - (basis**2).sum(axis=0), 0).astype(np.float32),
            explained=min(held / variance, 1.0) if variance > 0 else 1.0,
            shared=self._shared(float(np.trace(scatter))),
            videos=self._videos,
            shifts=self._shifts,
            augmentation=augmentation,
            mode=mode,
            seed=seed,
        )

    def _shared(self, total: float) -> float:
        """Return the share of the variance that the frames of a view have in common.

        A shift is taken for ``mean + a + e``, ``a`` drawn once a view and ``e`` once a frame. The
        variance of a view's mean shift is that of ``a`` plus a T-th of that of ``e``, so the
        latter is taken off (one-way analysis of variance with random effects, G views of N frames
        in all)::

            e = within / (N - G)
            a = (between - (G - 1) * e) / (N - sum(T * T) / N)
            shared = a / (a + e)

        ``within`` and ``between`` are the sums of squares within views and of views' means, each
        counted once a frame. One view alone, or views of one frame, cannot be distinguished: 1.
        """
        n, g = self._shifts, self._views
        spread = n - self._squares_of_frames / n
        if n == g or spread <= 0 or total <= 0:
            return 1.0
        frame = self._within / (n - g)
        view = max((total - self._within - (g - 1) * frame) / spread, 0.0)
        return view / (view + frame)


def _directions(covariance: Float64Array, rank: int) -> Float64Array:
    """Return the strongest eigenvectors, each as long as its standard deviation, (R, D)."""
    values, vectors = np.linalg.eigh(covariance)  # rising
    values, vectors = values[::-1][:rank], vectors.T[::-1][:rank]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    signs = np.where(largest < 0, -1.0, 1.0)  # an eigenvector's sign is nobody's: make it positive
    return np.asarray(vectors * signs * np.sqrt(np.maximum(values, 0))[:, None])
