"""Resample T frames to P points of a clip and back, by linear interpolation."""

from __future__ import annotations

import torch
from torch import Tensor

_TINY = 1e-12


def interpolation_weights(frames: int, points: int, frame_mask: Tensor | None = None) -> Tensor:
    """Compute interpolation weights (triangular) of frames and points, (1 or B, T, P), in [0, 1].

    Frame i of T is at (i + 1/2) / T of the clip, point p at (p + 1/2) / P. The weight falls
    linearly with their distance, to 0 at 1 / min(T, P): fewer frames than points are interpolated,
    more are averaged, and T = P is the identity. Masked frames are not counted and have weight 0.

    Args:
        frames: T.
        points: P.
        frame_mask: True where a frame is not masked, (B, T) bool; ``None``: no frame is masked.

    Example:
        >>> interpolation_weights(2, 4)[0]
        tensor([[0.7500, 0.7500, 0.2500, 0.0000],
                [0.0000, 0.2500, 0.7500, 0.7500]])
    """
    if frame_mask is None:
        frame_mask = torch.ones(1, frames, dtype=torch.bool)
    valid = frame_mask.float()
    count = valid.sum(dim=1, keepdim=True).clamp(min=1)  # (B, 1)
    positions = (valid.cumsum(dim=1) - 0.5) / count  # (B, T)
    grid = (torch.arange(points, device=frame_mask.device) + 0.5) / points  # (P,)
    distance = (positions[:, :, None] - grid).abs() * count.clamp(max=points)[:, :, None]
    return (1 - distance).clamp(min=0) * valid[:, :, None]


def to_points(frames: Tensor, weights_: Tensor) -> Tensor:
    """Average frames (B, T, H) by their weights at each point, (B, P, H)."""
    weights = weights_ / weights_.sum(dim=1, keepdim=True).clamp(min=_TINY)  # (B, T, P)
    return weights.transpose(1, 2) @ frames


def to_frames(points: Tensor, weights_: Tensor) -> Tensor:
    """Average points (B, P, H) by their weights at each frame, (B, T, H)."""
    weights = weights_ / weights_.sum(dim=2, keepdim=True).clamp(min=_TINY)  # (B, T, P)
    return weights @ points
