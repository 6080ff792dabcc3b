"""PCA whitening of frame features, fitted before training and fixed from then on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError

from .pca import MeanCovariance, mean_covariance, principal_axes
from .within_video import total_and_within_covariance, within_video_map

_TINY = 1e-12


@dataclass(frozen=True, slots=True, repr=False)
class PcaWhitening:
    """Linear map from D to M features, fitted on the training frames.

    Attributes:
        mean: Mean of the frames, (D,).
        matrix: Scaled principal axes, (D, M).
        std: Standard deviation of each of the M outputs over the training frames, (M,).
        l2_normalize: Whether each frame is L2-normalized first.
    """

    mean: npt.NDArray[np.float32]
    matrix: npt.NDArray[np.float32]
    std: npt.NDArray[np.float32]
    l2_normalize: bool = False

    def __repr__(self) -> str:
        return f"PcaWhitening({self.matrix.shape[0]} -> {self.matrix.shape[1]})"

    def __call__(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Project features (..., D) to (..., M)."""
        values = features.astype(np.float32)
        if self.l2_normalize:
            values = l2_normalized(values)
        return np.asarray((values - self.mean) @ self.matrix, np.float32)


def l2_normalized(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """L2-normalize vectors (..., D); a zero vector stays zero.

    >>> l2_normalized(np.array([[3.0, 4.0]], np.float32))
    array([[0.6, 0.8]], dtype=float32)
    """
    lengths = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, _TINY), np.float32)


def fit_pca_whitening(
    chunks: Iterable[npt.NDArray[np.floating]],
    *,
    dims: int,
    whitening: float,
    l2_normalize: bool = False,
    within: float = 0.0,
    shrinkage: float = 0.3,
) -> PcaWhitening:
    """Fit PCA whitening on the training frames.

    Component k is scaled by its eigenvalue to the power ``-whitening``: 0 is plain PCA and keeps
    distances, 0.5 is full whitening. A common factor then sets the mean variance to 1.

    Args:
        chunks: Frames, (n, D) each; with ``within``, videos, (n, T, D) each.
        dims: M, maximum number of components; at most the rank of the frames.
        whitening: Exponent, between 0 and 0.5.
        l2_normalize: Whether to L2-normalize each frame first.
        within: Exponent of within-class covariance normalization before the PCA, between 0 (off)
            and 0.5, as in :func:`.within_video.within_video_map`.
        shrinkage: Fraction of the mean within-video variance that is added to each direction's.

    Raises:
        UsageError: If all frames are equal.
    """
    if l2_normalize:
        chunks = (l2_normalized(chunk.astype(np.float32)) for chunk in chunks)
    if not within:
        return pca_whitening_from_covariance(
            mean_covariance(chunks), dims=dims, whitening=whitening, l2_normalize=l2_normalize
        )
    measured, inside = total_and_within_covariance(chunks)
    normalizer = within_video_map(measured.covariance, inside, exponent=within, shrinkage=shrinkage)
    if not normalizer.shape[1]:
        raise _all_equal()
    mapped = MeanCovariance(
        measured.count,
        measured.mean @ normalizer,
        normalizer.T @ measured.covariance @ normalizer,
    )
    found = pca_whitening_from_covariance(
        mapped, dims=dims, whitening=whitening, l2_normalize=l2_normalize
    )
    return PcaWhitening(
        mean=measured.mean.astype(np.float32),
        matrix=(normalizer @ found.matrix).astype(np.float32),
        std=found.std,
        l2_normalize=l2_normalize,
    )


def pca_whitening_from_covariance(
    measured: MeanCovariance, *, dims: int, whitening: float, l2_normalize: bool = False
) -> PcaWhitening:
    """Fit PCA whitening as :func:`fit_pca_whitening` does, from a mean and covariance.

    Raises:
        UsageError: If all frames are equal.
    """
    values, axes = principal_axes(measured.covariance, dims)
    if not len(values):
        raise _all_equal()
    scale = values**-whitening  # (M,)
    scale /= np.sqrt(np.mean(values * scale**2))
    return PcaWhitening(
        mean=measured.mean.astype(np.float32),
        matrix=(axes * scale).astype(np.float32),
        std=(np.sqrt(values) * scale).astype(np.float32),
        l2_normalize=l2_normalize,
    )


def _all_equal() -> UsageError:
    return UsageError(
        "all training frames have the same features",
        hint="check the videos and the backbone with `chainpipe info`",
    )
