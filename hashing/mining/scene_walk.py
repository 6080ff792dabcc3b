"""Neighbours by a walk over scenes [ours]: videos that share a scene lead to each other.

A video of several scenes has no mean that stands for it. So each scene is linked to the scenes of
other videos that look most alike, and a walk that changes between the scenes of a video and their
links tells which videos belong together, also those that are linked only through others.

Random walks with restart: https://doi.org/10.1109/ICDM.2006.70
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.disk_array import Splittable
from ..losses.scene import find_scenes
from .nearest_neighbours import mutual_only

STEPS = 30  # of the walk
_CHUNK = 2048  # scenes compared with all others at once


def walked(
    frames: Splittable,
    count: int,
    *,
    clusters: int,
    links: int,
    onward: float,
    generator: torch.Generator,
    mutual: bool = False,
) -> Tensor:
    """Return the videos that a walk from each video visits more than others do, most first.

    Args:
        frames: All training videos, (N, T, M).
        count: k, how many.
        clusters: P, scenes of a video at most.
        links: Most alike scenes of other videos that a scene is linked to.
        onward: Chance that the walk goes on, and does not begin again at its video.
        generator: Source of chance, for the search for scenes.
        mutual: Keep only pairs that are each other's neighbours.

    Returns:
        Row numbers, (N, k); -1 where there are fewer.
    """
    scenes = find_scenes(frames, clusters=clusters, min_spread=0.1, generator=generator)
    means, shares, owners = scene_means(frames, scenes, clusters)
    moves = transitions(means, shares, owners, links=links, videos=len(frames))
    visits = walk(moves, onward=onward)
    visits = visits / visits.mean(dim=0, keepdim=True).clamp(min=1e-12)  # popular videos weigh less
    visits.fill_diagonal_(-1.0)
    found = visits.topk(min(count, len(frames) - 1), dim=1)
    table = found.indices.masked_fill(found.values <= 0, -1)
    return mutual_only(table) if mutual else table


def scene_means(frames: Splittable, scenes: Tensor, clusters: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the direction, the share of its video and the video of each scene that exists.

    Args:
        frames: (N, T, M).
        scenes: Scene number of each frame, (N, T).
        clusters: P.

    Returns:
        Unit vectors around the mean frame (S, M), shares (S,) and video numbers (S,).
    """
    member = F.one_hot(scenes, clusters).float()  # (N, T, P)
    videos, places, _ = member.shape
    parts = zip(torch.split(member, _CHUNK), frames.split(_CHUNK), strict=True)
    sums = torch.cat([(some.transpose(1, 2) @ part).flatten(0, 1) for some, part in parts])
    sizes = member.sum(dim=1).flatten()  # (N * P,)
    there = sizes > 0
    means = sums[there] / sizes[there, None] - sums.sum(dim=0) / (videos * places)
    owners = torch.arange(videos, device=scenes.device).repeat_interleave(clusters)[there]
    return F.normalize(means, dim=1), sizes[there] / places, owners


def transitions(
    means: Tensor, shares: Tensor, owners: Tensor, *, links: int, videos: int
) -> Tensor:
    """Return the chances to go from video to video by one of its scenes and a link, (N, N) sparse.

    A link counts in both directions, with the cosine of its scenes; links of negative cosine do
    not count. A scene without links stays where it is.

    Args:
        means: Unit vectors, (S, M).
        shares: Of its video, (S,).
        owners: Video of each scene, (S,).
        links: Most alike scenes of other videos.
        videos: N.
    """
    ends, weights = _linked(means, owners, links)
    starts = torch.arange(len(means), device=means.device).repeat_interleave(ends.shape[1])
    # Both directions in one list; the doubled ones count once more, as a link that both ends chose.
    rows = torch.cat([starts, ends.flatten()])
    columns = torch.cat([ends.flatten(), starts])
    values = torch.cat([weights.flatten(), weights.flatten()])
    total = torch.zeros(len(means), device=means.device).index_add_(0, rows, values)
    idle = total <= 0
    chances = shares[rows] * values / total.clamp(min=1e-12)[rows]
    rows = torch.cat([owners[rows], owners[idle]])
    columns = torch.cat([owners[columns], owners[idle]])
    chances = torch.cat([chances, shares[idle]])
    places = torch.stack([rows, columns])
    return torch.sparse_coo_tensor(
        places, chances, (videos, videos), check_invariants=False
    ).coalesce()


def _linked(means: Tensor, owners: Tensor, links: int) -> tuple[Tensor, Tensor]:
    """Return the most alike scenes of other videos (S, L), and their cosines, at least 0."""
    links = min(links, len(means) - 1)
    ends, weights = [], []
    for start in range(0, len(means), _CHUNK):
        part = slice(start, start + _CHUNK)
        cosine = means[part] @ means.T  # (s, S)
        cosine = cosine.masked_fill(owners[part, None] == owners, -2.0)
        found = cosine.topk(links, dim=1)
        ends.append(found.indices)
        weights.append(found.values.clamp(min=0))
    return torch.cat(ends), torch.cat(weights)


def walk(moves: Tensor, *, onward: float) -> Tensor:
    """Return where walks from each video stand after ``STEPS`` steps, as chances, (N, N).

    Args:
        moves: Chances to go from row to column, (N, N), sparse; each row adds up to 1.
        onward: Chance of each step to go on, and not to begin again.
    """
    back = moves.t().coalesce()
    start = torch.eye(moves.shape[0], device=moves.device)
    where = start.clone()  # (N, N), one column a walk
    for _ in range(STEPS):
        where = onward * torch.sparse.mm(back, where) + (1 - onward) * start
    return where.T.contiguous()
