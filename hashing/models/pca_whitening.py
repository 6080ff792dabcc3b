"""The fixed front: centre the frames, turn them to principal axes, whiten them a little."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError

from .pca import MeanCovariance, mean_covariance, principal_axes

_TINY = 1e-12


@dataclass(frozen=True, slots=True, repr=False)
class PcaWhitening:
    """A fixed linear map from D features to M numbers, measured on the training frames.

    Attributes:
        mean: What is subtracted first, (D,).
        matrix: Principal axes, scaled, (D, M).
        std: Standard deviation of each of the M numbers over the training frames, (M,).
        l2_normalize: Whether each frame is scaled to length 1 before anything else.
    """

    mean: npt.NDArray[np.float32]
    matrix: npt.NDArray[np.float32]
    std: npt.NDArray[np.float32]
    l2_normalize: bool = False

    def __repr__(self) -> str:
        return f"Front({self.matrix.shape[0]} -> {self.matrix.shape[1]})"

    def __call__(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Map features (..., D) to (..., M)."""
        values = features.astype(np.float32)
        if self.l2_normalize:
            values = l2_normalized(values)
        return np.asarray((values - self.mean) @ self.matrix, np.float32)


def l2_normalized(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scale vectors (..., D) to length 1; a vector of zeros stays.

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
) -> PcaWhitening:
    """Measure the front on the training frames.

    Axis k is scaled by its eigenvalue to the power ``-whitening``: 0 keeps the features' own
    distances, 0.25 halves the differences between axes, 0.5 is full whitening. One common factor
    brings the mean variance to 1.

    Args:
        chunks: Frames, (n, D) each.
        dims: How many axes are kept at most; fewer when the frames span fewer.
        whitening: Between 0 and 0.5.
        l2_normalize: Scale each frame to length 1 first.

    Raises:
        UsageError: If all frames are equal.
    """
    if l2_normalize:
        chunks = (l2_normalized(chunk.astype(np.float32)) for chunk in chunks)
    return pca_whitening_from_covariance(
        mean_covariance(chunks), dims=dims, whitening=whitening, l2_normalize=l2_normalize
    )


def pca_whitening_from_covariance(
    measured: MeanCovariance, *, dims: int, whitening: float, l2_normalize: bool = False
) -> PcaWhitening:
    """Do what :func:`fit_pca_whitening` does, with moments already measured."""
    values, axes = principal_axes(measured.covariance, dims)
    if not len(values):
        raise UsageError(
            "all training frames have the same features",
            hint="check the videos and the backbone with `chainpipe info`",
        )
    scale = values**-whitening  # (M,)
    scale /= np.sqrt(np.mean(values * scale**2))
    return PcaWhitening(
        mean=measured.mean.astype(np.float32),
        matrix=(axes * scale).astype(np.float32),
        std=(np.sqrt(values) * scale).astype(np.float32),
        l2_normalize=l2_normalize,
    )
