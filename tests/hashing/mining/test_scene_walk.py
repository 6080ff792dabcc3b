"""Neighbours by a walk over scenes, against loops and planted classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from chainpipe.hashing.losses.scene import find_scenes
from chainpipe.hashing.mining import scene_walk
from chainpipe.hashing.mining.scene_walk import (
    RandomWalk,
    scene_means,
    scene_walk_neighbours,
    transition_matrix,
)


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def planted_clips() -> tuple[Tensor, np.ndarray]:
    """48 videos of 4 classes; a class is three looks, and each video shows two of them."""
    looks = torch.randn(4, 3, 24, generator=chance())
    classes = np.repeat(np.arange(4), 12)
    clips = []
    for video, class_ in enumerate(classes):
        pair = [(0, 1), (1, 2), (2, 0)][video % 3]
        clips.append(torch.cat([looks[class_, look].expand(5, 24) for look in pair]))
    noise = torch.randn(48, 10, 24, generator=chance(1))
    return torch.stack(clips) + 0.3 * noise, classes


def scenes_of(count: int = 40, videos: int = 15) -> tuple[Tensor, Tensor, Tensor]:
    """Random scene directions, every third video with one scene more or less."""
    means = torch.nn.functional.normalize(torch.randn(count, 6, generator=chance()), dim=1)
    video_indices = torch.cat(
        [torch.arange(videos), torch.randint(videos, (count - videos,), generator=chance())]
    )
    video_indices = video_indices.sort().values
    shares = torch.rand(count, generator=chance(2)) + 0.1
    total = torch.zeros(videos).index_add_(0, video_indices, shares)
    return means, shares / total[video_indices], video_indices


def plain_transitions(
    means: Tensor, shares: Tensor, video_indices: Tensor, links: int
) -> np.ndarray:
    """Scene by scene: go to each link as often as its cosine says; links lead both ways."""
    count, videos = len(means), int(video_indices.max()) + 1
    weight = np.zeros((count, count))
    for i in range(count):
        others = [j for j in range(count) if video_indices[j] != video_indices[i]]
        others.sort(key=lambda j, i=i: -float(means[i] @ means[j]))
        for j in others[:links]:
            cosine = max(0.0, float(means[i] @ means[j]))
            weight[i, j] += cosine
            weight[j, i] += cosine
    moves = np.zeros((videos, videos))
    for i in range(count):
        for j in range(count):
            if weight[i].sum():
                step = float(shares[i]) * weight[i, j] / weight[i].sum()
                moves[video_indices[i], video_indices[j]] += step
        if not weight[i].sum():
            moves[video_indices[i], video_indices[i]] += float(shares[i])
    return moves


@pytest.mark.parametrize("chunk", [7, 1000])
def test_moves_are_those_of_a_plain_loop(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_walk, "_CHUNK", chunk)
    means, shares, video_indices = scenes_of()
    moves = (
        transition_matrix(means, shares, video_indices, edges_per_scene=5, videos=15)
        .to_dense()
        .numpy()
    )
    np.testing.assert_allclose(moves, plain_transitions(means, shares, video_indices, 5), atol=1e-5)
    np.testing.assert_allclose(moves.sum(axis=1), 1, atol=1e-5)


def test_a_scene_that_nothing_resembles_stays_where_it_is() -> None:
    means, video_indices = torch.eye(3), torch.arange(3)
    moves = transition_matrix(means, torch.ones(3), video_indices, edges_per_scene=2, videos=3)
    torch.testing.assert_close(moves.to_dense(), torch.eye(3))


def test_a_walk_is_a_power_series_of_its_moves() -> None:
    moves = torch.rand(6, 6, generator=chance())
    moves = moves / moves.sum(dim=1, keepdim=True)
    expected = 0.8**scene_walk.STEPS * torch.matrix_power(moves, scene_walk.STEPS)
    for step in range(scene_walk.STEPS):
        expected = expected + 0.2 * 0.8**step * torch.matrix_power(moves, step)
    where = RandomWalk(moves.to_sparse(), damping=0.8).visits(torch.eye(6)).T
    torch.testing.assert_close(where, expected)
    torch.testing.assert_close(where.sum(dim=1), torch.ones(6))


@pytest.mark.parametrize("mkl", [True, False])
@pytest.mark.parametrize("walks", [7, 1000])
def test_the_walk_in_blocks_is_that_of_whole_matrices(
    walks: int, mkl: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene_walk, "_WALKS", walks)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: mkl)
    frames, _ = planted_clips()
    table = scene_walk_neighbours(
        frames, 8, num_clusters=3, edges_per_scene=6, damping=0.9, generator=chance()
    )
    scenes = find_scenes(frames, num_clusters=3, min_std=0.1, generator=chance())
    means, fractions, video_indices = scene_means(frames, scenes, 3)
    moves = torch.tensor(plain_transitions(means, fractions, video_indices, 6))
    where = torch.eye(48, dtype=torch.float64)
    for _ in range(scene_walk.STEPS):
        where = 0.9 * where @ moves + 0.1 * torch.eye(48)
    score = where / where.mean(dim=0)
    score.fill_diagonal_(-1)
    assert (score.topk(8, dim=1).indices == table).float().mean() > 0.99


def test_scene_means_are_those_of_their_frames() -> None:
    frames = torch.randn(3, 4, 5, generator=chance())
    scenes = torch.tensor([[0, 0, 1, 1], [2, 2, 2, 2], [0, 1, 2, 0]])
    means, shares, video_indices = scene_means(frames, scenes, 3)
    assert video_indices.tolist() == [0, 0, 1, 2, 2, 2]
    assert shares.tolist() == [0.5, 0.5, 1.0, 0.5, 0.25, 0.25]
    third = frames[2, [0, 3]].mean(dim=0) - frames.mean(dim=(0, 1))
    torch.testing.assert_close(means[3], third / third.norm())


def test_videos_of_a_class_find_each_other_by_shared_scenes() -> None:
    frames, classes = planted_clips()
    table = scene_walk_neighbours(
        frames, 8, num_clusters=3, edges_per_scene=6, damping=0.97, generator=chance()
    )
    assert table.shape == (48, 8)
    assert (classes[table.numpy()] == classes[:, None]).mean() > 0.97
    assert not (table == torch.arange(48)[:, None]).any()


def test_mutual_ones_have_each_other() -> None:
    frames, _ = planted_clips()
    options = {"num_clusters": 3, "edges_per_scene": 6, "damping": 0.9}
    every = scene_walk_neighbours(frames, 5, **options, generator=chance()).tolist()
    mutual = scene_walk_neighbours(frames, 5, **options, generator=chance(), mutual=True).tolist()
    for video, found in enumerate(mutual):
        assert [j for j in found if j != -1] == [j for j in every[video] if video in every[j]]


def test_two_videos_are_each_others_only_neighbours() -> None:
    frames = torch.randn(2, 4, 5, generator=chance()) + 3
    table = scene_walk_neighbours(
        frames, 8, num_clusters=2, edges_per_scene=6, damping=0.97, generator=chance()
    )
    assert table.shape == (2, 1)
