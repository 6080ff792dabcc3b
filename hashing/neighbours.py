"""Neighbours [ours]: which other training videos may stand in for a video's second view."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

NONE = -1
_CHUNK = 1024  # rows compared with all others at once


def nearest(
    vectors: Tensor, count: int, *, mutual: bool = False, threshold: float = -1.0
) -> Tensor:
    """Return each video's nearest others by cosine, nearest first.

    Args:
        vectors: One a video, (N, X).
        count: k, how many at most.
        mutual: Keep only pairs that are each other's neighbours.
        threshold: Keep only neighbours with at least this cosine.

    Returns:
        Row numbers, (N, k); -1 where there are fewer.

    Example:
        >>> nearest(torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), 1)
        tensor([[1],
                [0],
                [1]])
    """
    unit = F.normalize(vectors, dim=1)
    count = min(count, len(unit) - 1)
    parts = []
    for start in range(0, len(unit), _CHUNK):
        cosine = unit[start : start + _CHUNK] @ unit.T  # (n, N)
        own = torch.arange(start, start + len(cosine), device=unit.device)
        cosine.scatter_(1, own[:, None], float("-inf"))
        found = cosine.topk(count, dim=1)
        parts.append(found.indices.masked_fill(found.values < threshold, NONE))
    table = torch.cat(parts)
    return mutual_only(table) if mutual else table


def mutual_only(table: Tensor) -> Tensor:
    """Hide the neighbours (N, k) that do not have the video among their own."""
    own = torch.arange(len(table), device=table.device)[:, None, None]
    back = (table[table] == own).any(dim=2)  # (N, k); -1 looks at the last row, hidden below
    return table.masked_fill(~back | (table == NONE), NONE)


def draw_partners(
    rows: Tensor, table: Tensor, *, probability: float, generator: torch.Generator
) -> Tensor:
    """Draw whose frames the second view of each video shows: a neighbour's or its own.

    Args:
        rows: Video numbers, (B,).
        table: Neighbours, (N, k), -1 where there are fewer.
        probability: How often a neighbour is taken, if the video has one.
        generator: Source of chance.

    Returns:
        Video numbers, (B,).
    """
    choices = table[rows]  # (B, k)
    chance = torch.rand(choices.shape, generator=generator).to(table.device)
    picked = chance.masked_fill(choices == NONE, -1.0).argmax(dim=1, keepdim=True)
    partner = choices.gather(1, picked)[:, 0]
    wanted = torch.rand(len(rows), generator=generator).to(table.device) < probability
    return torch.where(wanted & (partner != NONE), partner, rows)
