"""Neighbours [ours]: which other training videos may stand in for a video's second view."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.disk_array import Splittable

NONE = -1
_CHUNK, _BLOCK = 256, 8192  # rows that are compared at once, with so many others


def nearest(
    vectors: Splittable, count: int, *, mutual: bool = False, threshold: float = -1.0
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
    count = min(count, len(vectors) - 1)
    parts, start, room = [], 0, None
    for part in vectors.split(_CHUNK):
        if room is None:  # one for all: the system's allocator would never reuse freed ones
            room = part.new_empty(min(_CHUNK, len(vectors)) * min(_BLOCK, len(vectors)))
        found = _best(F.normalize(part, dim=1), vectors, room, start=start, count=count)
        parts.append(found[1].masked_fill(found[0] < threshold, NONE))
        start += len(part)
    table = torch.cat(parts)
    return mutual_only(table) if mutual else table


def _best(
    unit: Tensor, vectors: Splittable, room: Tensor, *, start: int, count: int
) -> tuple[Tensor, Tensor]:
    """Return cosines and numbers of the nearest others, (n, k), of unit rows ``start`` and on."""
    own = torch.arange(start, start + len(unit), device=unit.device)
    values, numbers = unit.new_empty(len(unit), 0), own[:, None][:, :0]
    first = 0
    for block in vectors.split(_BLOCK):
        cosine = room[: len(unit) * len(block)].view(len(unit), len(block))
        torch.mm(unit, F.normalize(block, dim=1).T, out=cosine)
        here = ((own >= first) & (own < first + len(block))).nonzero().flatten()
        cosine[here, own[here] - first] = float("-inf")
        found = cosine.topk(min(count, len(block)), dim=1)
        values = torch.cat([values, found.values], dim=1)
        numbers = torch.cat([numbers, found.indices + first], dim=1)
        best = values.topk(min(count, values.shape[1]), dim=1)
        values, numbers = best.values, numbers.gather(1, best.indices)
        first += len(block)
    return values, numbers


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
