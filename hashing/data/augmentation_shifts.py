"""Feature shifts of spatial augmentation: a normal distribution fitted by stage one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chainpipe.pipeline.records import AugmentationStatistics


@dataclass(frozen=True, slots=True, repr=False)
class Shifts:
    """Normal distribution of shifts after PCA whitening.

    Attributes:
        mean: Mean shift, (M,).
        root: Square root of the covariance, ``root.T @ root``, (M, M).
        shared: Fraction of the variance that all frames of a view have in common.
    """

    mean: Tensor
    root: Tensor
    shared: float

    def __repr__(self) -> str:
        return f"Shifts({len(self.mean)} features, {self.shared:.0%} shared)"

    def to(self, device: torch.device) -> Shifts:
        """Copy the distribution to a device."""
        return Shifts(self.mean.to(device), self.root.to(device), self.shared)


def project_shifts(statistics: AugmentationStatistics, matrix: npt.NDArray[np.floating]) -> Shifts:
    """Project the distribution of shifts of D features by ``matrix`` (D, M)."""
    axes = matrix.astype(np.float64)
    basis = statistics.basis @ axes  # (R, M)
    covariance = basis.T @ basis + (axes.T * statistics.residual) @ axes  # (M, M)
    # Not Cholesky: the covariance may have rank below M.
    # Not Cholesky: the covariance may have rank below M.
    values, vectors = np.linalg.eigh(covariance)
    root = np.sqrt(values.clip(min=0))[:, None] * vectors.T
    mean = torch.from_numpy(statistics.mean @ axes).float()
    return Shifts(mean, torch.from_numpy(root).float(), statistics.shared)


def draw_shifts(shifts: Shifts, *, views: int, frames: int, generator: torch.Generator) -> Tensor:
    """Draw shifts with the measured mean, covariance and shared fraction of the variance.

    Args:
        shifts: Distribution of the shifts.
        views: Number of views, X.
        frames: S, frames of a view.
        generator: Random number generator on the CPU.

    Returns:
        Shifts to add to clean frames, (X, S, M).
    """
    size = len(shifts.mean)
    once = torch.randn(views, 1, size, generator=generator)
    each = torch.randn(views, frames, size, generator=generator)
    mixed = shifts.shared**0.5 * once + (1 - shifts.shared) ** 0.5 * each
    drawn: Tensor = shifts.mean + mixed.to(shifts.root.device) @ shifts.root
    return drawn
