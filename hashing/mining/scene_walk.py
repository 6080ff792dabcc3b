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


def scene_walk_neighbours(
    frames: Splittable,
    count: int,
    *,
    num_clusters: int,
    edges_per_scene: int,
    damping: float,
    generator: torch.Generator,
    mutual: bool = False,
) -> Tensor:
    """Return the videos that a walk from each video visits more than others do, most first.

    Args:
        frames: All training videos, (B, T, M).
        count: k, how many.
        num_clusters: P, scenes of a video at most.
        edges_per_scene: Most alike scenes of other videos that a scene is linked to.
        damping: Chance that the walk goes on, and does not begin again at its video.
        generator: Source of chance, for the search for scenes.
        mutual: Keep only pairs that are each other's neighbours.

    Returns:
        Row numbers, (B, k); -1 where there are fewer.
    """
    scenes = find_scenes(frames, num_clusters=num_clusters, min_std=0.1, generator=generator)
    means, fractions, video_indices = scene_means(frames, scenes, num_clusters)
    moves = transition_matrix(
        means, fractions, video_indices, edges_per_scene=edges_per_scene, videos=len(frames)
    )
    visits = random_walk(moves, damping=damping)
    visits = visits / visits.mean(dim=0, keepdim=True).clamp(min=1e-12)  # popular videos weigh less
    visits.fill_diagonal_(-1.0)
    found = visits.topk(min(count, len(frames) - 1), dim=1)
    table = found.indices.masked_fill(found.values <= 0, -1)
    return mutual_only(table) if mutual else table


def scene_means(
    frames: Splittable, scenes: Tensor, num_clusters: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the direction, the share of its video and the video of each scene that exists.

    Args:
        frames: (B, T, M).
        scenes: Scene number of each frame, (B, T).
        num_clusters: P.

    Returns:
        Unit vectors around the mean frame (S, M), shares (S,) and video numbers (S,).
    """
    member = F.one_hot(scenes, num_clusters).float()  # (B, T, P)
    videos, num_frames, _ = member.shape
    parts = zip(torch.split(member, _CHUNK), frames.split(_CHUNK), strict=True)
    sums = torch.cat([(some.transpose(1, 2) @ part).flatten(0, 1) for some, part in parts])
    sizes = member.sum(dim=1).flatten()  # (B * P,)
    there = sizes > 0
    means = sums[there] / sizes[there, None] - sums.sum(dim=0) / (videos * num_frames)
    video_indices = torch.arange(videos, device=scenes.device).repeat_interleave(num_clusters)[
        there
    ]
    return F.normalize(means, dim=1), sizes[there] / num_frames, video_indices


def transition_matrix(
    means: Tensor, fractions: Tensor, video_indices: Tensor, *, edges_per_scene: int, videos: int
) -> Tensor:
    """Return the chances to go from video to video by one of its scenes and a link, (B, B) sparse.

    A link counts in both directions, with the cosine of its scenes; links of negative cosine do
    not count. A scene without links stays where it is.

    Args:
        means: Unit vectors, (S, M).
        fractions: Of its video, (S,).
        video_indices: Video of each scene, (S,).
        edges_per_scene: Most alike scenes of other videos.
        videos: B.
    """
    ends, weights = _linked(means, video_indices, edges_per_scene)
    starts = torch.arange(len(means), device=means.device).repeat_interleave(ends.shape[1])
    # Both directions in one list; the doubled ones count once more, as a link that both ends chose.
    rows = torch.cat([starts, ends.flatten()])
    columns = torch.cat([ends.flatten(), starts])
    values = torch.cat([weights.flatten(), weights.flatten()])
    total = torch.zeros(len(means), device=means.device).index_add_(0, rows, values)
    idle = total <= 0
    chances = fractions[rows] * values / total.clamp(min=1e-12)[rows]
    rows = torch.cat([video_indices[rows], video_indices[idle]])
    columns = torch.cat([video_indices[columns], video_indices[idle]])
    chances = torch.cat([chances, fractions[idle]])
    indices = torch.stack([rows, columns])
    return torch.sparse_coo_tensor(
        indices, chances, (videos, videos), check_invariants=False
    ).coalesce()


def _linked(means: Tensor, video_indices: Tensor, edges_per_scene: int) -> tuple[Tensor, Tensor]:
    """Return the most alike scenes of other videos (S, L), and their cosines, at least 0."""
    edges_per_scene = min(edges_per_scene, len(means) - 1)
    ends, weights = [], []
    for start in range(0, len(means), _CHUNK):
        part = slice(start, start + _CHUNK)
        cosine = means[part] @ means.T  # (s, S)
        cosine = cosine.masked_fill(video_indices[part, None] == video_indices, -2.0)
        found = cosine.topk(edges_per_scene, dim=1)
        ends.append(found.indices)
        weights.append(found.values.clamp(min=0))
    return torch.cat(ends), torch.cat(weights)


def random_walk(moves: Tensor, *, damping: float) -> Tensor:
    """Return where walks from each video stand after ``STEPS`` steps, as chances, (B, B).

    Args:
        moves: Chances to go from row to column, (B, B), sparse; each row adds up to 1.
        damping: Chance of each step to go on, and not to begin again.
    """
    back = moves.t().coalesce()
    start = torch.eye(moves.shape[0], device=moves.device)
    where = start.clone()  # (B, B), one column a walk
    for _ in range(STEPS):
        where = damping * torch.sparse.mm(back, where) + (1 - damping) * start
    return where.T.contiguous()
