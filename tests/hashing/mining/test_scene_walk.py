"""Neighbours by a walk over scenes, against loops and planted classes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import Tensor

from chainpipe.hashing.losses.scene import find_scenes
from chainpipe.hashing.mining import random_walk, scene_graph
from chainpipe.hashing.mining.random_walk import STEPS, RandomWalk, most_visited
from chainpipe.hashing.mining.scene_graph import nearest_scenes, scene_means, transition_matrix
from chainpipe.hashing.mining.scene_walk import scene_walk_neighbours


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
    monkeypatch.setattr(scene_graph, "_CHUNK", chunk)
    means, shares, video_indices = scenes_of()
    moves = transition_matrix(means, shares, video_indices, edges_per_scene=5, videos=15).toarray()
    np.testing.assert_allclose(moves, plain_transitions(means, shares, video_indices, 5), atol=1e-5)
    np.testing.assert_allclose(moves.sum(axis=1), 1, atol=1e-5)


def test_a_scene_that_nothing_resembles_stays_where_it_is() -> None:
    means, video_indices = torch.eye(3), torch.arange(3)
    moves = transition_matrix(means, torch.ones(3), video_indices, edges_per_scene=2, videos=3)
    np.testing.assert_allclose(moves.toarray(), np.eye(3))


def test_a_walk_is_a_power_series_of_its_moves() -> None:
    moves = torch.rand(6, 6, generator=chance())
    moves = moves / moves.sum(dim=1, keepdim=True)
    expected = 0.8**STEPS * torch.matrix_power(moves, STEPS)
    for step in range(STEPS):
        expected = expected + 0.2 * 0.8**step * torch.matrix_power(moves, step)
    where = RandomWalk(scipy.sparse.csr_array(moves.numpy()), damping=0.8).visits(torch.eye(6)).T
    torch.testing.assert_close(where, expected)
    torch.testing.assert_close(where.sum(dim=1), torch.ones(6))


@pytest.mark.parametrize("mkl", [True, False])
@pytest.mark.parametrize("walks", [7, 1000])
def test_the_walk_in_blocks_is_that_of_whole_matrices(
    walks: int, mkl: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random_walk, "_WALKS", walks)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: mkl)
    frames, _ = planted_clips()
    table = scene_walk_neighbours(
        frames, 8, num_clusters=3, edges_per_scene=6, damping=0.9, generator=chance()
    )
    scenes = find_scenes(frames, num_clusters=3, min_std=0.1, generator=chance())
    means, fractions, video_indices = scene_means(frames, scenes, 3)
    moves = torch.tensor(plain_transitions(means, fractions, video_indices, 6))
    where = torch.eye(48, dtype=torch.float64)
    for _ in range(STEPS):
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


def looks_of_classes(videos: int) -> tuple[Tensor, np.ndarray]:
    """Classes of 25 videos; each shows five looks out of its class's six and two of the next's."""
    draw, count = chance(3), videos // 25
    looks, classes = torch.randn(count * 6, 32, generator=draw), np.arange(videos) % count
    which = 6 * torch.from_numpy(classes)[:, None] + torch.randint(8, (videos, 5), generator=draw)
    frames = looks[which % len(looks)].repeat_interleave(2, dim=1)
    return frames + 0.8 * torch.randn(frames.shape, generator=draw), classes


def dense_walk(frames: Tensor, count: int, *, damping: float) -> np.ndarray:
    """All pairs of scenes and whole matrices of videos: what the search was before."""
    scenes = find_scenes(frames, num_clusters=3, min_std=0.1, generator=chance(1))
    means, fractions, video = scene_means(frames, scenes, 3)
    cosine = (means @ means.T).masked_fill(video[:, None] == video, -2.0)
    best = cosine.topk(15, dim=1)
    edges = torch.zeros_like(cosine).scatter_(1, best.indices, best.values.clamp(min=0))
    edges = edges + edges.T
    member = torch.nn.functional.one_hot(video).float()  # (E, N)
    moves = (member * fractions[:, None]).T @ (edges / edges.sum(dim=1, keepdim=True)) @ member
    start = torch.eye(len(frames))
    where = start
    for _ in range(STEPS):
        where = damping * (where @ moves) + (1 - damping) * start
    score = where / where.mean(dim=0)
    return score.fill_diagonal_(-1).topk(count, dim=1).indices.numpy()


@pytest.fixture(scope="module")
def looks() -> tuple[Tensor, np.ndarray, np.ndarray]:
    frames, classes = looks_of_classes(1500)
    return frames, classes, dense_walk(frames, 15, damping=0.97)


def walked(frames: Tensor) -> np.ndarray:
    found: np.ndarray = scene_walk_neighbours(
        frames, 15, num_clusters=3, edges_per_scene=15, damping=0.97, generator=chance(1)
    ).numpy()
    return found


def shared(found: np.ndarray, expected: np.ndarray) -> float:
    lines = zip(found, expected, strict=True)
    return float(np.mean([len(set(a) & set(b)) / len(a) for a, b in lines]))


def test_few_videos_find_what_the_whole_matrices_do(
    looks: tuple[Tensor, np.ndarray, np.ndarray],
) -> None:
    frames, _, expected = looks
    assert shared(walked(frames), expected) > 0.999


def test_parts_of_the_graph_find_what_the_whole_does(
    looks: tuple[Tensor, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames, classes, expected = looks
    monkeypatch.setattr(random_walk, "ROOM", 500)  # a third of the videos, as 4096 of 12,000
    found = walked(frames)
    right, before = ((classes[table] == classes[:, None]).mean() for table in (found, expected))
    assert shared(found, expected) > 0.98
    assert right > before - 0.005


def test_cells_of_scenes_find_nearly_what_all_pairs_do(
    looks: tuple[Tensor, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames, classes, expected = looks
    monkeypatch.setattr(scene_graph, "EXACT", 1000)
    found = walked(frames)
    right, before = ((classes[table] == classes[:, None]).mean() for table in (found, expected))
    assert shared(found, expected) > 0.95
    assert right > before - 0.01


def test_a_graph_in_pieces_is_walked_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_walk, "ROOM", 20)
    monkeypatch.setattr(random_walk, "TOGETHER", 8)
    rng = np.random.default_rng(0)
    pieces = [rng.random((10, 10)) for _ in range(9)]
    moves = scipy.sparse.block_diag([one / one.sum(axis=1, keepdims=True) for one in pieces])
    table = most_visited(scipy.sparse.csr_array(moves, dtype=np.float32), 12, damping=0.9).numpy()
    for row, found in enumerate(table):
        piece = set(range(row // 10 * 10, row // 10 * 10 + 10)) - {row}
        assert {video for video in found.tolist() if video >= 0} == piece
        assert (found == -1).sum() == 3


def test_cells_find_the_scenes_that_a_scan_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    means, _, video_indices = scenes_of(2000, 700)
    exact = nearest_scenes(means, video_indices, 5)
    monkeypatch.setattr(scene_graph, "EXACT", 1000)
    monkeypatch.setattr(scene_graph, "PROBES", 40)
    near = nearest_scenes(means, video_indices, 5)
    assert (exact[0] == near[0]).mean() > 0.95
    np.testing.assert_allclose(near[1].mean(), exact[1].mean(), rtol=0.01)
    own = video_indices.numpy()
    assert (own[near[0]] != own[:, None]).all()
