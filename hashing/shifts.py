"""Shifts like those of real spatial augmentation, drawn from what stage one measured."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.records import AugmentationStatistics


def draw_shifts(
    statistics: AugmentationStatistics, *, views: int, frames: int, generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Draw shifts that have the measured mean, covariance and shared share.

    Args:
        statistics: What was measured.
        views: V.
        frames: T.
        generator: Where the randomness comes from.

    Returns:
        Shifts to add to clean features, (V, T, D).
    """
    shared = statistics.shared
    once = _normal(statistics, (views, 1), generator)
    each = _normal(statistics, (views, frames), generator)
    drawn = statistics.mean + np.sqrt(shared) * once + np.sqrt(1 - shared) * each
    return np.asarray(drawn, np.float32)


def _normal(
    statistics: AugmentationStatistics, shape: tuple[int, int], generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Draw from the normal distribution of covariance ``basis.T @ basis + diag(residual)``."""
    rank, dim = statistics.basis.shape
    strong = generator.standard_normal((*shape, rank), np.float32) @ statistics.basis
    rest = generator.standard_normal((*shape, dim), np.float32) * np.sqrt(statistics.residual)
    return np.asarray(strong + rest)
