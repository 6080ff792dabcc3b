"""From T frames to P points spread over a clip and back: what knows only P points takes any T."""

from __future__ import annotations

import torch
from torch import Tensor

_TINY = 1e-12


def interpolation_weights(frames: int, points: int, frame_mask: Tensor | None = None) -> Tensor:
    """Return how near each frame is to each point, (1 or B, T, P), from 0 to 1.

    Frame i of n stands at (i + 1/2) / n of the clip, point p at (p + 1/2) / P. Nearness falls
    in a straight line, to 0 at the distance of two neighbours of the scarcer kind: fewer frames
    are interpolated, more are averaged, and T = P changes nothing. Frames that do not exist
    have no place and are near nothing.

    Args:
        frames: T.
        points: P.
        frame_mask: Which frames exist, (B, T) bool; ``None`` means all.

    Example:
        >>> interpolation_weights(2, 4)[0]
        tensor([[0.7500, 0.7500, 0.2500, 0.0000],
                [0.0000, 0.2500, 0.7500, 0.7500]])
    """
    if frame_mask is None:
        frame_mask = torch.ones(1, frames, dtype=torch.bool)
    there = frame_mask.float()
    count = there.sum(dim=1, keepdim=True).clamp(min=1)  # (B, 1)
    positions = (there.cumsum(dim=1) - 0.5) / count  # (B, T)
    grid = (torch.arange(points, device=frame_mask.device) + 0.5) / points  # (P,)
    away = (positions[:, :, None] - grid).abs() * count.clamp(max=points)[:, :, None]
    return (1 - away).clamp(min=0) * there[:, :, None]


def to_points(frames: Tensor, weights_: Tensor) -> Tensor:
    """Return each point's mean of the frames (B, T, H) near it, (B, P, H)."""
    weights = weights_ / weights_.sum(dim=1, keepdim=True).clamp(min=_TINY)  # (B, T, P)
    return weights.transpose(1, 2) @ frames


def to_frames(points: Tensor, weights_: Tensor) -> Tensor:
    """Return each frame's mean of the points (B, P, H) near it, (B, T, H)."""
    weights = weights_ / weights_.sum(dim=2, keepdim=True).clamp(min=_TINY)  # (B, T, P)
    return weights @ points
