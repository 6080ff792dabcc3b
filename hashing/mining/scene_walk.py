"""Neighbours by a random walk with restart over a graph of scenes [ours].

The mean feature of a video with several scenes represents none of them. So each scene has edges to
its nearest scenes of other videos, and a walk alternates between the scenes of a video and their
edges. Its visits rank related videos, including those that are connected only through others.

Random walks with restart: https://doi.org/10.1109/ICDM.2006.70
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..data.disk_array import Splittable
from ..losses.scene import find_scenes
from .nearest_neighbours import mutual_only
from .random_walk import most_visited
from .scene_graph import scene_means, transition_matrix


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

    Beside the frames, which may be on disk, about 10 kB a video are held in memory at most.

    Args:
        frames: Projected frames of all training videos, (N, T, M), on the CPU or on disk.
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
    del means  # as large as a frame of each video and scene
    table = most_visited(moves, min(count, len(frames) - 1), damping=damping)
    return mutual_only(table) if mutual else table
