"""Batched k-means against scikit-learn, on planted scenes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.losses.kmeans import (
    _assign,
    _means,
    first_centres,
    kmeans,
    lloyd,
    squared_distances,
)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def planted_scenes(videos: int, scenes: int) -> tuple[torch.Tensor, torch.Tensor]:
    chance = generator()
    centres = 4 * torch.randn(videos, scenes, 6, generator=chance)
    truth = torch.arange(25).expand(videos, 25) * scenes // 25
    clips = centres.gather(1, truth[:, :, None].expand(-1, -1, 6))
    return clips + torch.randn(videos, 25, 6, generator=chance), truth


def test_planted_scenes_are_found() -> None:
    clips, truth = planted_scenes(30, 3)
    found, _ = kmeans(clips, 3, generator=generator())
    together = found[:, :, None] == found[:, None, :]
    expected = truth[:, :, None] == truth[:, None, :]
    assert (together == expected).float().mean() > 0.99


def test_the_inertia_is_the_sum_of_squares_around_the_means() -> None:
    clips, _ = planted_scenes(5, 3)
    labels, inertia = kmeans(clips, 3, generator=generator())
    for clip, label, value in zip(clips, labels, inertia, strict=True):
        by_hand = sum(
            float((clip[label == k] - clip[label == k].mean(dim=0)).square().sum())
            for k in label.unique()
        )
        assert value.item() == pytest.approx(by_hand, rel=1e-4)


def test_equal_frames_make_one_cluster_and_two_different_make_two() -> None:
    still = torch.ones(1, 9, 3)
    cut = torch.cat([torch.zeros(1, 4, 3), torch.ones(1, 5, 3)], dim=1)
    labels, inertia = kmeans(torch.cat([still, cut]), 4, generator=generator())
    assert [len(label.unique()) for label in labels] == [1, 2]
    assert inertia.tolist() == [0, 0]


def test_more_clusters_than_frames_put_each_frame_alone() -> None:
    labels, inertia = kmeans(torch.randn(4, 3, 5), 8, generator=generator())
    assert all(len(label.unique()) == 3 for label in labels)
    assert inertia.max() < 1e-4


def test_sets_that_are_done_are_left_alone_and_the_others_go_on() -> None:
    clips, _ = planted_scenes(60, 5)
    clips[40:] = torch.randn(20, 25, 6, generator=generator())  # these take long
    squares = squared_distances(clips)
    first = first_centres(squares, 5, restarts=1, generator=generator())
    weights = torch.nn.functional.one_hot(first, 25).float()
    expected = _assign(squares, weights)
    for _ in range(30):  # every set in every round
        weights = _means(expected[0], weights)
        expected = _assign(squares, weights)
    found = lloyd(squares, first, 30)
    assert torch.equal(found[0], expected[0])
    torch.testing.assert_close(found[1], expected[1], rtol=1e-4, atol=1e-4)


def plain_lloyd(points: torch.Tensor, centres: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """One set: assign and average the points themselves until nothing changes."""
    for _ in range(100):
        distances = torch.cdist(points.double(), centres.double()).square()
        nearest = distances.min(dim=1)
        centres = torch.stack(
            [
                points[nearest.indices == k].mean(dim=0) if (nearest.indices == k).any() else centre
                for k, centre in enumerate(centres)
            ]
        )
    return nearest.indices, nearest.values


def test_distances_between_points_give_what_the_points_give() -> None:
    clips, _ = planted_scenes(20, 3)
    squares = squared_distances(clips)
    first = first_centres(squares, 3, restarts=2, generator=generator())
    labels, nearest = lloyd(squares, first, 100)
    for clip, chosen, label, distance in zip(clips, first, labels, nearest, strict=True):
        for restart in range(2):
            expected = plain_lloyd(clip, clip[chosen[restart]])
            assert torch.equal(label[restart], expected[0])
            torch.testing.assert_close(
                distance[restart].double(), expected[1], rtol=1e-3, atol=1e-3
            )


@st.composite
def point_sets(draw: st.DrawFn) -> tuple[torch.Tensor, int]:
    sets, frames, size = draw(st.integers(1, 5)), draw(st.integers(1, 12)), draw(st.integers(1, 6))
    chance = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    points = torch.randn(sets, frames, size, generator=chance)
    if draw(st.booleans()):
        points = points.round()  # with equal points
    return points, draw(st.integers(1, 14))


@given(point_sets())
@settings(max_examples=40, deadline=None)
def test_every_point_is_in_the_cluster_with_the_nearest_mean(
    case: tuple[torch.Tensor, int],
) -> None:
    points, clusters = case
    labels, inertia = kmeans(points, clusters, generator=generator(), iterations=200)
    assert labels.min() >= 0
    assert labels.max() < clusters
    for clip, label, value in zip(points, labels, inertia.tolist(), strict=True):
        found = label.unique()
        means = torch.stack([clip[label == k].mean(dim=0) for k in found])
        distances = (clip[:, None] - means[None]).square().sum(dim=2)
        own = distances[torch.arange(len(clip)), torch.searchsorted(found, label)]
        assert (own <= distances.min(dim=1).values + 1e-4).all()
        assert value == pytest.approx(own.sum().item(), abs=1e-3)
        assert len(found) <= len(clip.unique(dim=0))
        assert value <= (clip - clip.mean(dim=0)).square().sum().item() + 1e-3


@given(point_sets())
@settings(max_examples=20, deadline=None)
def test_a_set_is_clustered_alike_whatever_stands_beside_it(case: tuple[torch.Tensor, int]) -> None:
    points, clusters = case
    _, alone = kmeans(points[:1], clusters, generator=generator(), restarts=64)
    _, beside = kmeans(points, clusters, generator=generator(), restarts=64)
    assert beside[0].item() == pytest.approx(alone[0].item(), rel=0.1, abs=1e-3)


@pytest.mark.parametrize("scenes", [2, 4])
def test_each_videos_inertia_is_within_one_percent_of_scikit_learn(scenes: int) -> None:
    cluster = pytest.importorskip("sklearn.cluster")
    clips, _ = planted_scenes(12, scenes)
    _, inertia = kmeans(clips, scenes, generator=generator())
    for clip, ours in zip(clips, inertia.tolist(), strict=True):
        theirs = cluster.KMeans(scenes, n_init=10, random_state=0).fit(clip.numpy()).inertia_
        assert ours <= 1.01 * theirs
