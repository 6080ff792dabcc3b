"""Neighbours by a random walk with restart over a graph of scenes [ours].

The mean feature of a video with several scenes represents none of them. So each scene has edges to
its nearest scenes of other videos, and a walk alternates between the scenes of a video and their
edges. Its visits rank related videos, including those that are connected only through others.

Random walks with restart: https://doi.org/10.1109/ICDM.2006.70
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.disk_array import Splittable
from ..losses.scene import find_scenes
from .nearest_neighbours import mutual_only

STEPS = 30  # of the walk
_CHUNK = 512  # scenes whose nearest ones are searched at once; videos that are read at once
_WALKS = 16  # at once: the visits of 8000 videos stay in the cache of a core


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
    """Return the k videos (N, k) with the highest relative visit probability from each video.

    Args:
        frames: Projected frames of all training videos, (N, T, M).
        count: k, number of neighbours.
        num_clusters: P, maximum number of scenes per video.
        edges_per_scene: Edges of a scene to its nearest scenes of other videos.
        damping: Probability of a step; else the walk restarts at its video.
        generator: Random number generator of the scene clustering.
        mutual: Keep only mutual nearest neighbours.

    Returns:
        Row indices, (N, k); -1 where there are fewer.
    """
    scenes = find_scenes(frames, num_clusters=num_clusters, min_std=0.1, generator=generator)
    means, fractions, video_indices = scene_means(frames, scenes, num_clusters)
    moves = transition_matrix(
        means, fractions, video_indices, edges_per_scene=edges_per_scene, videos=len(frames)
    )
    table = _most_visited(moves, min(count, len(frames) - 1), damping=damping)
    return mutual_only(table) if mutual else table


def _most_visited(moves: Tensor, count: int, *, damping: float) -> Tensor:
    """Return the ``count`` videos (N, count) that are visited from each more than from all."""
    videos = moves.shape[0]
    walk = RandomWalk(moves, damping=damping)
    everywhere = torch.full((videos, 1), 1 / videos, device=moves.device)
    often = walk.visits(everywhere).clamp(min=1e-12)  # (N, 1), against hubs
    parts = []
    for rows in torch.split(torch.arange(videos, device=moves.device), _WALKS):
        start = torch.zeros(videos, len(rows), device=moves.device)
        own = torch.arange(len(rows), device=moves.device)
        start[rows, own] = 1
        visits = walk.visits(start) / often
        visits[rows, own] = -1.0
        found = visits.T.contiguous().topk(count, dim=1)
        parts.append(found.indices.masked_fill(found.values <= 0, -1))
    return torch.cat(parts)


def scene_means(
    frames: Splittable, scenes: Tensor, num_clusters: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the direction, the fraction of frames and the video index of each non-empty scene.

    Args:
        frames: Projected frames, (N, T, M).
        scenes: Scene index of each frame, (N, T).
        num_clusters: P, maximum number of scenes per video.

    Returns:
        Unit vectors of the scenes, centred on the mean frame, (E, M); fractions of frames, (E,);
        video indices, (E,), for E scenes.
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
    """Return the transition probabilities between videos over their scenes, (N, N) sparse.

    Edges are undirected and weighted by the cosine of their scenes; negative cosines are dropped.
    A scene without edges is a self-loop of its video.

    Args:
        means: Unit vectors of the scenes, (E, M).
        fractions: Fraction of its video's frames in each scene, (E,).
        video_indices: Video index of each scene, (E,), ascending.
        edges_per_scene: Edges of a scene to its nearest scenes of other videos.
        videos: N.
    """
    ends, weights = _linked(means, video_indices, edges_per_scene)
    starts = torch.arange(len(means), device=means.device).repeat_interleave(ends.shape[1])
    # Both directions of each edge; an edge between mutual nearest scenes gets twice the weight.
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
    """Return nearest scenes of other videos and their cosines, clamped at 0, both (E, edges)."""
    edges_per_scene = min(edges_per_scene, len(means) - 1)
    ends, weights = [], []
    for start in range(0, len(means), _CHUNK):
        part = slice(start, start + _CHUNK)
        cosine = means[part] @ means.T  # (chunk, E)
        own = video_indices[part]
        first, last = torch.searchsorted(video_indices, own[[0, -1]] + torch.tensor([0, 1]))
        near = slice(int(first), int(last))  # the scenes of the chunk's videos
        cosine[:, near].masked_fill_(own[:, None] == video_indices[near], -2.0)
        found = cosine.topk(edges_per_scene, dim=1)
        ends.append(found.indices)
        weights.append(found.values.clamp(min=0))
    return torch.cat(ends), torch.cat(weights)


class RandomWalk:
    """Walks with restart between N videos.

    Args:
        moves: Transition probabilities from row to column, (N, N), sparse; each row sums to 1.
        damping: Probability of a step; else the walk restarts.
    """

    def __init__(self, moves: Tensor, *, damping: float) -> None:
        self._back, self._damping = moves.t().coalesce(), damping
        if moves.device.type != "cpu" or torch.backends.mkl.is_available():  # type: ignore[no-untyped-call]
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Sparse CSR")  # "in beta state"
                # Eight times as fast, same numbers.
                self._back = _narrow(self._back.to_sparse_csr())

    def visits(self, start: Tensor) -> Tensor:
        """Return the visit probabilities after ``STEPS`` steps, (N, W).

        Args:
            start: Where W walks start and restart, (N, W); each column sums to 1.
        """
        where, restart = start, (1 - self._damping) * start
        for _ in range(STEPS):
            where = (self._back @ where).mul_(self._damping).add_(restart)
        return where


def _narrow(moves: Tensor) -> Tensor:
    """Return a CSR matrix with indices of half the bytes, on the CPU."""
    if moves.device.type != "cpu" or moves.values().numel() >= 1 << 31:
        return moves
    rows, columns = moves.crow_indices().int(), moves.col_indices().int()
    return torch.sparse_csr_tensor(
        rows, columns, moves.values(), moves.shape, check_invariants=False
    )
