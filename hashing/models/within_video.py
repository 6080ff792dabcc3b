"""Within-class covariance normalization (WCCN), each video its own class.

The frames of a video differ by what should not matter: movement, light, framing. Directions in
which they differ much are scaled down, without labels.
Hatch, Kajarekar and Stolcke, Within-class covariance normalization for SVM-based speaker
recognition, Interspeech 2006: https://doi.org/10.21437/Interspeech.2006-183
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from .pca import RANK_TOLERANCE, Array, MeanCovariance, mean_covariance, principal_axes

_VIDEOS = 64  # videos at a time in float64
_MOST = 1024  # components in which the within-video covariance is inverted


def total_and_within_covariance(
    videos: Iterable[npt.NDArray[np.floating]],
) -> tuple[MeanCovariance, Array]:
    """Compute mean and covariance of all frames, and the part of it that is within videos.

    The covariance of frames is that of the videos' means and that within videos, added; so one
    product over all frames gives both.

    Args:
        videos: Features, (n, T, D) each, T the same in all.

    Returns:
        Mean and covariance of the frames, and the within-video covariance, (D, D).

    Raises:
        ValueError: If there are no videos.
    """
    frames, square = 0, np.zeros((0, 0))

    def means() -> Iterator[Array]:  # (n, D) each; what is within videos is added up on the way
        nonlocal frames, square
        for chunk in videos:
            square = square if square.size else np.zeros((chunk.shape[2], chunk.shape[2]))
            for start in range(0, len(chunk), _VIDEOS):
                part = chunk[start : start + _VIDEOS]
                mean = part.mean(axis=1, dtype=np.float64)
                rest = (part - mean[:, None]).reshape(-1, part.shape[2])
                frames += len(rest)
                square += rest.T @ rest
                yield mean

    between = mean_covariance(means())
    within = square / frames
    total = MeanCovariance(frames, between.mean, between.covariance + within)
    return total, within


def within_video_map(
    covariance: Array, within: Array, *, exponent: float, shrinkage: float
) -> Array:
    """Return the linear map (D, R) that multiplies features by (within + c I)^-exponent.

    It is computed in the first R <= 1024 principal components of the frames, R at most their rank;
    c is ``shrinkage`` times the mean within-video variance of a component. Without any variance
    within videos it is the projection on the components.

    Args:
        covariance: Of all frames, (D, D).
        within: Within-video covariance, (D, D).
        exponent: Between 0 and 0.5; 0.5 makes the variance within videos equal in all directions.
        shrinkage: Above 0.
    """
    values, axes = principal_axes(covariance, _MOST)
    inside = axes.T @ within @ axes
    if np.trace(inside) <= RANK_TOLERANCE * values.sum():
        return axes
    typical = np.trace(inside) / len(inside)
    # In units of the mean variance, so that the power neither overflows nor underflows.
    variances, vectors = np.linalg.eigh(inside / typical)
    scale = (np.maximum(variances, 0) + shrinkage) ** -exponent
    mapped: Array = axes @ (vectors * scale) @ vectors.T
    return mapped
