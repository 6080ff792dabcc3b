"""The order of an epoch: every video once, and reads that come in runs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainpipe.hashing.data import epoch_order as module
from chainpipe.hashing.data.epoch_order import epoch_order


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARD", 4)
    monkeypatch.setattr(module, "WINDOW", 3)


def test_few_videos_are_shuffled_as_a_whole() -> None:
    order = epoch_order(12, generator(1))
    assert torch.equal(order.rows, torch.randperm(12, generator=generator(1)))
    assert order.prefetch_ranges(0, 12) == []


@pytest.mark.parametrize("videos", [13, 50, 51, 200])
def test_every_video_is_visited_once_and_shards_stay_in_their_window(videos: int) -> None:
    order = epoch_order(videos, generator(videos))
    assert sorted(order.rows.tolist()) == list(range(videos))
    assert sorted(order.shards.tolist()) == list(range(-(-videos // 4)))
    start = 0
    for window in order.shards.split(3):
        size = sum(min(4, videos - 4 * shard) for shard in window.tolist())
        inside = order.rows[start : start + size] // 4
        assert set(inside.tolist()) == set(window.tolist())
        start += size
    assert not torch.equal(order.rows, epoch_order(videos, generator(videos + 1)).rows)


@given(st.integers(13, 300), st.integers(1, 40))
def test_each_shard_is_read_ahead_once_and_before_it_is_needed(videos: int, batch: int) -> None:
    order = epoch_order(videos, generator(videos))
    announced: list[int] = []
    for start in range(0, videos, batch):
        runs = order.prefetch_ranges(start, min(videos, start + batch))
        assert all(count == min(4, videos - first) for first, count in runs)
        announced += [first // 4 for first, _ in runs]
        assert {int(row) // 4 for row in order.rows[start : start + batch]} <= set(announced)
    assert announced == order.shards.tolist()
