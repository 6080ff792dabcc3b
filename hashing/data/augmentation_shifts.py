"""Shifts like those of real spatial augmentation, drawn from what stage one measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chainpipe.pipeline.records import AugmentationStatistics


@dataclass(frozen=True, slots=True, repr=False)
class Shifts:
    """The normal distribution of shifts behind the fixed front.

    Attributes:
        mean: (M,).
        root: ``root.T @ root`` is the covariance, (M, M).
        shared: Share of the variance that all frames of a view have in common.
    """

    mean: Tensor
    root: Tensor
    shared: float

    def __repr__(self) -> str:
        return f"Shifts(of {len(self.mean)} numbers, {self.shared:.0%} shared)"

    def to(self, device: torch.device) -> Shifts:
        """Return the same on another device."""
        return Shifts(self.mean.to(device), self.root.to(device), self.shared)


def project_shifts(statistics: AugmentationStatistics, matrix: npt.NDArray[np.floating]) -> Shifts:
    """Carry measured shifts of D features through the linear map ``matrix`` (D, M), once."""
    axes = matrix.astype(np.float64)
    basis = statistics.basis @ axes  # (R, M)
    covariance = basis.T @ basis + (axes.T * statistics.residual) @ axes  # (M, M)
    values, vectors = np.linalg.eigh(covariance)
    root = np.sqrt(values.clip(min=0))[:, None] * vectors.T
    mean = torch.from_numpy(statistics.mean @ axes).float()
    return Shifts(mean, torch.from_numpy(root).float(), statistics.shared)


def draw_shifts(shifts: Shifts, *, views: int, frames: int, generator: torch.Generator) -> Tensor:
    """Draw shifts that have the measured mean, covariance and shared share.

    Args:
        shifts: Their distribution.
        views: V.
        frames: S.
        generator: Source of chance, on the CPU.

    Returns:
        What is to be added to clean frames, (V, S, M).
    """
    size = len(shifts.mean)
    once = torch.randn(views, 1, size, generator=generator)
    each = torch.randn(views, frames, size, generator=generator)
    mixed = shifts.shared**0.5 * once + (1 - shifts.shared) ** 0.5 * each
    drawn: Tensor = shifts.mean + mixed.to(shifts.root.device) @ shifts.root
    return drawn
