"""Neighbours [ours]: which other training videos may stand in for a video's second view."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.clips import NONE
from ..data.disk_array import Splittable

_CHUNK, _BLOCK = 256, 8192  # rows that are compared at once, with so many others


def nearest(
    vectors: Splittable, k: int, *, mutual: bool = False, min_cosine: float = -1.0
) -> Tensor:
    """Return each video's nearest others by cosine, nearest first.

    Args:
        vectors: One a video, (B, X).
        k: k, how many at most.
        mutual: Keep only pairs that are each other's neighbours.
        min_cosine: Keep only neighbours with at least this cosine.

    Returns:
        Row numbers, (B, k); -1 where there are fewer.

    Example:
        >>> nearest(torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), 1)
        tensor([[1],
                [0],
                [1]])
    """
    k = min(k, len(vectors) - 1)
    parts, start, room = [], 0, None
    for part in vectors.split(_CHUNK):
        if room is None:  # one for all: the system's allocator would never reuse freed ones
            room = part.new_empty(min(_CHUNK, len(vectors)) * min(_BLOCK, len(vectors)))
        found = _best(F.normalize(part, dim=1), vectors, room, start=start, k=k)
        parts.append(found[1].masked_fill(found[0] < min_cosine, NONE))
        start += len(part)
    neighbours = torch.cat(parts)
    return mutual_only(neighbours) if mutual else neighbours


def _best(
    unit: Tensor, vectors: Splittable, room: Tensor, *, start: int, k: int
) -> tuple[Tensor, Tensor]:
    """Return cosines and numbers of the nearest others, (n, k), of unit rows ``start`` and on."""
    own = torch.arange(start, start + len(unit), device=unit.device)
    values, indices = unit.new_empty(len(unit), 0), own[:, None][:, :0]
    first = 0
    for block in vectors.split(_BLOCK):
        cosine = room[: len(unit) * len(block)].view(len(unit), len(block))
        torch.mm(unit, F.normalize(block, dim=1).T, out=cosine)
        here = ((own >= first) & (own < first + len(block))).nonzero().flatten()
        cosine[here, own[here] - first] = float("-inf")
        found = cosine.topk(min(k, len(block)), dim=1)
        values = torch.cat([values, found.values], dim=1)
        indices = torch.cat([indices, found.indices + first], dim=1)
        best = values.topk(min(k, values.shape[1]), dim=1)
        values, indices = best.values, indices.gather(1, best.indices)
        first += len(block)
    return values, indices


def mutual_only(neighbours: Tensor) -> Tensor:
    """Hide the neighbours (B, k) that do not have the video among their own."""
    own = torch.arange(len(neighbours), device=neighbours.device)[:, None, None]
    back = (neighbours[neighbours] == own).any(
        dim=2
    )  # (B, k); -1 looks at the last row, hidden below
    return neighbours.masked_fill(~back | (neighbours == NONE), NONE)


def draw_positives(
    rows: Tensor, neighbours: Tensor, *, probability: float, generator: torch.Generator
) -> Tensor:
    """Draw whose frames the second view of each video shows: a neighbour's or its own.

    Args:
        rows: Video numbers, (B,).
        neighbours: Neighbours, (N, k), -1 where there are fewer.
        probability: How often a neighbour is taken, if the video has one.
        generator: Source of chance.

    Returns:
        Video numbers, (B,).
    """
    choices = neighbours[rows]  # (B, k)
    chance = torch.rand(choices.shape, generator=generator).to(neighbours.device)
    picked = chance.masked_fill(choices == NONE, -1.0).argmax(dim=1, keepdim=True)
    positive_index = choices.gather(1, picked)[:, 0]
    wanted = torch.rand(len(rows), generator=generator).to(neighbours.device) < probability
    return torch.where(wanted & (positive_index != NONE), positive_index, rows)
