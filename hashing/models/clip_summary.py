"""Summaries of a clip: one vector of its frames, (B, T, M) to (B, M), that a linear hash reads."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Summarize = Callable[[Tensor, Tensor | None], Tensor]
_STILL = 0.01  # added to a clip's std, so that features that stand still have small changes


def masked_mean(frames: Tensor, frame_mask: Tensor | None) -> Tensor:
    """Return the mean over unmasked frames (B, T, X), (B, X)."""
    if frame_mask is None:
        return frames.mean(dim=1)
    weights = frame_mask.to(frames.dtype)[:, :, None]  # (B, T, 1)
    return (frames * weights).sum(dim=1) / weights.sum(dim=1)


def masked_trend(frames: Tensor, frame_mask: Tensor | None) -> Tensor:
    """Return the trend over unmasked frames (B, T, X): how they change from start to end, (B, X).

    It is the first cosine moment [ours]: the mean of the frames weighted by a half period of a
    cosine, from -sqrt(2) to sqrt(2). The weights sum to 0, so what all frames share has no part in
    it; backwards, a clip has the opposite trend.

    Example:
        >>> masked_trend(torch.tensor([[[5.0], [5.0], [7.0], [7.0]]]), None)
        tensor([[0.9239]])
    """
    batch, time, _ = frames.shape
    shown = torch.ones(batch, time, dtype=torch.bool, device=frames.device)
    shown = shown if frame_mask is None else frame_mask
    count = shown.sum(dim=1, keepdim=True)
    position = (shown.cumsum(dim=1) - 0.5) / count  # (B, T)
    weights = -math.sqrt(2) * torch.cos(math.pi * position) * shown
    return torch.einsum("btx,bt->bx", frames, weights.to(frames.dtype)) / count


def masked_changes(frames: Tensor, frame_mask: Tensor | None) -> Tensor:
    """Return how fast each feature of unmasked frames (B, T, X) changes, (B, X).

    It is the mean size of the step from one frame to the next, in standard deviations of the
    feature over the clip [ours]: large where a clip goes forth and back often. Backwards, a clip
    has the same changes.

    Example:
        >>> masked_changes(torch.tensor([[[0.0], [1.0], [0.0], [1.0]]]), None)  # 1 / 0.5
        tensor([[1.9608]])
    """
    batch, time, _ = frames.shape
    shown = torch.ones(batch, time, dtype=torch.bool, device=frames.device)
    shown = shown if frame_mask is None else frame_mask
    first = (~shown).int().argsort(dim=1, stable=True)  # unmasked frames first, in order
    frames = frames.gather(1, first[:, :, None].expand_as(frames))
    shown = shown.gather(1, first)
    both = (shown[:, 1:] & shown[:, :-1]).to(frames.dtype)[:, :, None]  # (B, T - 1, 1)
    steps = (frames.diff(dim=1).abs() * both).sum(dim=1) / both.sum(dim=1).clamp(min=1)
    around = frames - masked_mean(frames, shown)[:, None]
    std = masked_mean(around.square(), shown).sqrt()
    return steps / (std + _STILL)


SUMMARIES: dict[str, Summarize] = {
    "mean": masked_mean,
    "trend": masked_trend,
    "changes": masked_changes,
}
