"""Sampling agrees with plain loops over every frame."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sampling import uniform_by_time, uniform_indices

COUNTS = st.integers(1, 400)


def middles_by_hand(total: int, frames: int) -> list[int]:
    """Cut 2T half-runs of the video and take the frame where each odd one begins."""
    halves = [total * half // (2 * frames) for half in range(2 * frames)]
    return halves[1::2]


def on_screen(seconds: list[float], moment: float) -> int:
    """Look for the frame on the screen by walking through the video."""
    shown = 0
    for number, appears in enumerate(seconds):
        if appears <= moment:
            shown = number
    return shown


@given(total=COUNTS, frames=COUNTS)
def test_indices_are_the_middles_of_equal_runs(total: int, frames: int) -> None:
    assert uniform_indices(total, frames).tolist() == middles_by_hand(total, frames)


@given(total=COUNTS, frames=COUNTS)
def test_indices_never_fall_and_lie_in_the_video(total: int, frames: int) -> None:
    indices = uniform_indices(total, frames)
    assert len(indices) == frames
    assert indices[0] >= 0
    assert indices[-1] < total
    assert (np.diff(indices) >= 0).all()


@given(total=COUNTS, frames=COUNTS)
def test_no_frame_repeats_where_there_are_enough(total: int, frames: int) -> None:
    distinct = len(set(uniform_indices(total, frames).tolist()))
    assert distinct == min(total, frames)


@given(
    gaps=st.lists(st.floats(0.001, 10), min_size=1, max_size=60),
    frames=st.integers(1, 40),
)
def test_frames_by_time_are_those_on_the_screen(gaps: list[float], frames: int) -> None:
    seconds, duration = np.cumsum([0.0, *gaps[:-1]]), float(sum(gaps))
    moments = [(2 * i + 1) * duration / (2 * frames) for i in range(frames)]
    by_hand = [on_screen(seconds.tolist(), moment) for moment in moments]
    assert uniform_by_time(seconds, duration, frames).tolist() == by_hand


@given(total=COUNTS, frames=COUNTS)
def test_both_ways_agree_at_a_constant_rate(total: int, frames: int) -> None:
    by_time = uniform_by_time(np.arange(total, dtype=float), float(total), frames)
    assert by_time.tolist() == uniform_indices(total, frames).tolist()


@pytest.mark.parametrize(("total", "frames"), [(0, 5), (5, 0), (-1, 1)])
def test_nothing_to_sample_is_refused(total: int, frames: int) -> None:
    with pytest.raises(ValueError, match=f"got {frames} of {total}"):
        uniform_indices(total, frames)


def test_no_frame_in_time_is_refused() -> None:
    with pytest.raises(ValueError, match="got 3 of 0"):
        uniform_by_time(np.empty(0), 0.0, 3)
