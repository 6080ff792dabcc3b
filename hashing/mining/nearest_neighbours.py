"""Nearest neighbours [ours]: positive pairs across training videos."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.clips import NONE
from ..data.disk_array import Splittable

_CHUNK, _BLOCK = 256, 8192  # rows and columns of one block of similarities


def nearest(
    vectors: Splittable, k: int, *, mutual: bool = False, min_cosine: float = -1.0
) -> Tensor:
    """Return the k nearest other videos of each by cosine similarity, (N, k), nearest first.

    Args:
        vectors: One vector per video, (N, X).
        k: Maximum number of neighbours.
        mutual: Keep only mutual nearest neighbours.
        min_cosine: Keep only neighbours with at least this cosine similarity.

    Returns:
        Row indices, (N, k); -1 where there are fewer.

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
    """Return cosines and indices, both (n, k), of the nearest others of rows from ``start``."""
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
    """Replace neighbours (N, k) that are not mutual by -1."""
    own = torch.arange(len(neighbours), device=neighbours.device)[:, None, None]
    # Index -1 reads the last row; the second condition below masks these entries.
    back = (neighbours[neighbours] == own).any(dim=2)  # (N, k)
    return neighbours.masked_fill(~back | (neighbours == NONE), NONE)


def draw_positives(
    rows: Tensor, neighbours: Tensor, *, probability: float, generator: torch.Generator
) -> Tensor:
    """Draw the video that gives each second view: a neighbour, or the video itself.

    Args:
        rows: Video indices of the batch, (B,).
        neighbours: Neighbours of all videos, (N, k); -1 where there are fewer.
        probability: Probability of a neighbour, if the video has one.
        generator: Random number generator.

    Returns:
        Video indices, (B,).
    """
    choices = neighbours[rows]  # (B, k)
    # Drawn on the CPU and then moved: the same seed gives the same pairs on every device.
    scores = torch.rand(choices.shape, generator=generator).to(neighbours.device)
    chosen = scores.masked_fill(choices == NONE, -1.0).argmax(dim=1, keepdim=True)
    positive_index = choices.gather(1, chosen)[:, 0]
    use_neighbour = torch.rand(len(rows), generator=generator).to(neighbours.device) < probability
    return torch.where(use_neighbour & (positive_index != NONE), positive_index, rows)
