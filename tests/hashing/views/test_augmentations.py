"""Views as properties: what is drawn lies where it should, and chance is explicit."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.views.augmentations import (
    Mode,
    clip_noise,
    draw_frame_mask,
    draw_views,
    feature_dropout,
    mixup_frames,
    same_scene_frames,
    temporal_jitter,
    view_length,
)

MODES: list[Mode] = ["halves", "segment", "random", "consecutive"]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@st.composite
def clip_and_view(draw: st.DrawFn) -> tuple[int, int]:
    frames = draw(st.integers(1, 60))
    return frames, draw(st.integers(1, frames))


@given(clip_and_view(), st.sampled_from(MODES), st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_views_show_existing_frames_in_order(sizes: tuple[int, int], mode: Mode, seed: int) -> None:
    frames, length = sizes
    for view in draw_views(
        mode, videos=5, num_frames=frames, length=length, window=length, generator=generator(seed)
    ):
        assert view.shape == (5, length)
        assert view.min() >= 0
        assert view.max() < frames
        assert (view.diff(dim=1) >= 1).all()


@given(st.integers(2, 60), st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_halves_never_share_a_frame_and_come_in_either_order(frames: int, seed: int) -> None:
    length = view_length("halves", frames, "auto")
    first, second = draw_views(
        "halves",
        videos=64,
        num_frames=frames,
        length=length,
        window=length,
        generator=generator(seed),
    )
    apart = (first[:, -1] < second[:, 0]) | (second[:, -1] < first[:, 0])
    assert apart.all()
    assert 0 < int((first[:, 0] < second[:, 0]).sum()) < 64


@given(st.integers(2, 60), st.sampled_from(MODES))
def test_recurrent_views_are_half_a_clip_and_wishes_are_met(frames: int, mode: Mode) -> None:
    assert view_length(mode, frames, "auto", recurrent=True) == frames // 2
    assert view_length(mode, frames, 3, recurrent=True) == 3


def test_windows_reach_every_place_of_their_half() -> None:
    first, second = draw_views(
        "halves", videos=2000, num_frames=25, length=8, window=8, generator=generator()
    )
    starts = set(torch.cat([first[:, 0], second[:, 0]]).tolist())
    assert starts == {*range(5), *range(13, 18)}


def test_a_segment_view_has_one_frame_of_each_segment() -> None:
    view, _ = draw_views(
        "segment", videos=500, num_frames=25, length=10, window=10, generator=generator()
    )
    segment_of = torch.arange(25) * 10 // 25
    bounds = torch.arange(11) * 25 // 10
    for column in range(10):
        seen = set(view[:, column].tolist())
        assert seen == set(range(int(bounds[column]), int(bounds[column + 1])))
    assert len(segment_of) == 25


@pytest.mark.parametrize("mode", MODES)
def test_the_same_seed_draws_the_same_views(mode: Mode) -> None:
    one, two = (
        draw_views(mode, videos=9, num_frames=25, length=8, window=8, generator=generator(5))
        for _ in range(2)
    )
    assert torch.equal(torch.cat(one), torch.cat(two))


def test_noise_is_shared_by_the_frames_and_as_wide_as_said() -> None:
    clips, spread = torch.zeros(5000, 3, 2), torch.tensor([1.0, 10.0])
    noisy = clip_noise(clips, amount=0.5, std=spread, generator=generator())
    assert torch.equal(noisy[:, 0], noisy[:, 2])
    torch.testing.assert_close(noisy[:, 0].std(dim=0), 0.5 * spread, rtol=0.05, atol=0)


def test_the_feature_mask_is_shared_by_the_frames_and_keeps_the_mean() -> None:
    masked = feature_dropout(torch.ones(3000, 4, 5), p=0.2, generator=generator())
    assert torch.equal(masked[:, 0], masked[:, 3])
    assert set(masked.unique().tolist()) == {0.0, 1.25}
    assert masked.mean().item() == pytest.approx(1, abs=0.02)


@given(st.integers(1, 12), st.floats(0, 0.95), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_dropping_frames_always_leaves_one(frames: int, share: float, seed: int) -> None:
    assert draw_frame_mask(20, frames, p=share, generator=generator(seed)).any(dim=1).all()


def test_frames_are_dropped_as_often_as_said() -> None:
    kept = draw_frame_mask(4000, 20, p=0.3, generator=generator())
    assert kept.float().mean().item() == pytest.approx(0.7, abs=0.01)


@given(clip_and_view(), st.sampled_from(MODES), st.integers(0, 8), st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_resampled_frames_stay_near_and_in_order(
    sizes: tuple[int, int], mode: Mode, reach: int, seed: int
) -> None:
    frames, length = sizes
    chance = generator(seed)
    places, _ = draw_views(
        mode, videos=5, num_frames=frames, length=length, window=length, generator=chance
    )
    moved = temporal_jitter(places, num_frames=frames, max_offset=reach, generator=chance)
    assert moved.shape == places.shape
    assert moved.min() >= 0
    assert moved.max() < frames
    assert (moved - places).abs().max() <= reach
    assert (moved.diff(dim=1) >= 0).all()


def test_a_resampled_frame_comes_from_every_place_of_its_window_alike() -> None:
    moved = temporal_jitter(
        torch.full((7000, 1), 10), num_frames=25, max_offset=3, generator=generator()
    )
    share = torch.bincount(moved[:, 0], minlength=25) / 7000
    torch.testing.assert_close(share[7:14], torch.full((7,), 1 / 7), atol=0.02, rtol=0)
    assert share[7:14].sum() == 1


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_another_frame_is_of_the_same_scene(frames: int, scenes: int, seed: int) -> None:
    chance = generator(seed)
    table = torch.randint(scenes, (6, frames), generator=chance)
    places = torch.arange(frames).expand(6, frames)
    others = same_scene_frames(places, table, chance)
    assert torch.equal(table.gather(1, others), table)
    alone = (table[:, :, None] == table[:, None, :]).sum(dim=2) == 1
    assert torch.equal(others == places, alone)


def test_every_other_frame_of_the_scene_is_equally_likely() -> None:
    table = torch.tensor([[0, 1, 0, 0, 1, 0]]).expand(6000, 6)
    others = same_scene_frames(torch.zeros(6000, 1, dtype=torch.long), table, generator())
    share = torch.bincount(others[:, 0], minlength=6) / 6000
    torch.testing.assert_close(share, torch.tensor([0, 0, 1, 1, 0, 1]) / 3, atol=0.03, rtol=0)


@given(st.floats(0, 1), st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_a_mixed_frame_lies_between_the_two_and_no_farther_than_said(
    most: float, seed: int
) -> None:
    clips, others = torch.zeros(5, 4, 3), torch.ones(5, 4, 3)
    mixed = mixup_frames(clips, others, max_weight=most, generator=generator(seed))
    assert mixed.min() >= 0
    assert mixed.max() <= most
    assert torch.equal(mixed[:, :, 0], mixed[:, :, 2])  # the same share for a frame's numbers
