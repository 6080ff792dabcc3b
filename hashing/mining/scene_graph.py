"""The graph that scene walks go over: scenes, their nearest scenes of other videos, and moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.disk_array import Splittable

EXACT = 49_152  # scenes up to which each is compared with all others
PROBES = 32  # cells of faiss that are looked into beyond
_CHUNK = 512  # videos that are read, and scenes that are searched for, at once

Search = Callable[[Tensor, int], tuple[Tensor, Tensor]]  # cosines and indices of the nearest


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
    videos, num_frames = scenes.shape
    means, sizes, start = [], [], 0
    total = torch.zeros(frames.shape[2])
    for part in frames.split(_CHUNK):
        member = F.one_hot(scenes[start : start + len(part)], num_clusters).float()  # (n, T, P)
        sums = (member.transpose(1, 2) @ part).flatten(0, 1)  # (n * P, M)
        size = member.sum(dim=1).flatten()
        total += sums.sum(dim=0)
        means.append(sums[size > 0] / size[size > 0, None])
        sizes.append(size)
        start += len(part)
    directions, counts = torch.cat(means), torch.cat(sizes)
    directions -= total / (videos * num_frames)
    F.normalize(directions, dim=1, out=directions)
    video_indices = torch.arange(videos).repeat_interleave(num_clusters)[counts > 0]
    return directions, counts[counts > 0] / num_frames, video_indices


def transition_matrix(
    means: Tensor, fractions: Tensor, video_indices: Tensor, *, edges_per_scene: int, videos: int
) -> scipy.sparse.csr_array:
    """Return the transition probabilities between videos over their scenes, (N, N).

    Edges are undirected and weighted by the cosine of their scenes; negative cosines are dropped.
    A scene without edges is a self-loop of its video.

    Args:
        means: Unit vectors of the scenes, (E, M).
        fractions: Fraction of its video's frames in each scene, (E,).
        video_indices: Video index of each scene, (E,), ascending.
        edges_per_scene: Edges of a scene to its nearest scenes of other videos.
        videos: N.
    """
    ends, cosines = nearest_scenes(means, video_indices, edges_per_scene)
    scenes = len(means)
    starts = np.repeat(np.arange(scenes, dtype=np.int32), ends.shape[1])
    linked = scipy.sparse.csr_array(
        (cosines.clip(min=0).ravel(), (starts, ends.ravel())), shape=(scenes, scenes)
    )
    # Both directions of each edge; an edge between mutual nearest scenes gets twice the weight.
    edges = linked + linked.T
    totals, shares, video = edges.sum(axis=1), fractions.numpy(), video_indices.numpy()
    idle = totals <= 0
    stay = np.bincount(video[idle], shares[idle], minlength=videos).astype(np.float32)
    of_video = _rows(np.ones_like(shares), video, videos)
    leaving = _rows(np.asarray(shares / np.where(idle, 1, totals), np.float32), video, videos)
    moves: Any = leaving @ edges @ of_video.T + scipy.sparse.diags_array(stay)
    return scipy.sparse.csr_array(moves, dtype=np.float32)


def _rows(
    values: npt.NDArray[np.float32], video: npt.NDArray[np.int64], videos: int
) -> scipy.sparse.csr_array:
    """Return values of E scenes in the rows of their videos, (N, E)."""
    starts = np.searchsorted(video, np.arange(videos + 1)).astype(np.int32)
    columns = np.arange(len(video), dtype=np.int32)
    return scipy.sparse.csr_array((values, columns, starts), shape=(videos, len(video)))


def nearest_scenes(
    means: Tensor, video_indices: Tensor, count: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return the nearest scenes of other videos and their cosines, both (E, count).

    Up to ``EXACT`` scenes they are exact. Beyond, faiss searches ``PROBES`` of its cells; a scene
    with too few others in them has cosines of 0 to scene 0.

    Args:
        means: Unit vectors of the scenes, (E, M).
        video_indices: Video index of each scene, (E,), ascending.
        count: Maximum number of edges.
    """
    count = min(count, len(means) - 1)
    own = int(torch.bincount(video_indices).max())  # scenes of one video
    search = _scan(means) if len(means) <= EXACT else _cells(means.numpy())
    ends, cosines = [], []
    for start in range(0, len(means), _CHUNK):
        part = slice(start, start + _CHUNK)
        near, found = search(means[part], min(count + own, len(means)))
        other = (found >= 0) & (video_indices[found] != video_indices[part, None])
        near = near.masked_fill(~other, -2.0)
        best = near.topk(count, dim=1)
        ends.append(found.gather(1, best.indices).clamp(min=0).int())
        cosines.append(best.values)
    return torch.cat(ends).numpy(), torch.cat(cosines).numpy()


def _scan(means: Tensor) -> Search:
    """Compare with all scenes."""

    def search(asked: Tensor, count: int) -> tuple[Tensor, Tensor]:
        found = (asked @ means.T).topk(count, dim=1)
        return found.values, found.indices

    return search


def _cells(means: npt.NDArray[np.float32]) -> Search:
    """Compare with the scenes in the nearest cells of k-means, which faiss makes."""
    import faiss

    cells = round(2 * len(means) ** 0.5)
    index: Any = faiss.IndexIVFFlat(
        faiss.IndexFlatIP(means.shape[1]), means.shape[1], cells, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.min_points_per_centroid = 1  # it would only warn
    index.train(means[:: max(1, len(means) // (64 * cells))])
    index.add(means)
    index.nprobe = PROBES

    def search(asked: Tensor, count: int) -> tuple[Tensor, Tensor]:
        cosines, found = index.search(asked.numpy(), count)
        return torch.from_numpy(cosines), torch.from_numpy(found)

    return search
