"""Sampling agrees with plain loops over every frame."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpipe.pipeline.decode.frame_sampling import (
    SLACK,
    consecutive_by_time,
    consecutive_indices,
    nearest,
    random_by_time,
    random_indices,
    segment_by_time,
    segment_indices,
    uniform_by_time,
    uniform_indices,
)

COUNTS = st.integers(1, 400)


def middles_by_hand(total: int, frames: int) -> list[int]:
    """Cut 2T half-runs of the video and take the frame where each odd one begins."""
    halves = [total * half // (2 * frames) for half in range(2 * frames)]
    return halves[1::2]


def on_screen(seconds: list[float], moment: float) -> int:
    """Look for the frame on the screen by walking through the video."""
    shown = 0
    for number, appears in enumerate(seconds):
        if appears <= moment + SLACK:
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
    selection = [(2 * i + 1) * duration / (2 * frames) for i in range(frames)]
    by_hand = [on_screen(seconds.tolist(), moment) for moment in selection]
    assert uniform_by_time(seconds, duration, frames).tolist() == by_hand


@given(
    total=COUNTS,
    frames=COUNTS,
    ticks=st.sampled_from([(12_800, 512), (90_000, 3_600), (90_000, 3_003), (30_000, 1_001)]),
)
def test_both_ways_agree_at_a_constant_rate(total, frames, ticks: tuple[int, int]) -> None:
    tick, step = Fraction(1, ticks[0]), ticks[1]
    seconds, duration = np.arange(total) * step * float(tick), float(total * step * tick)
    by_time = uniform_by_time(seconds, duration, frames)
    assert by_time.tolist() == uniform_indices(total, frames).tolist()


@pytest.mark.parametrize(("total", "frames"), [(0, 5), (5, 0), (-1, 1)])
def test_nothing_to_sample_is_refused(total: int, frames: int) -> None:
    with pytest.raises(ValueError, match=f"got {frames} of {total}"):
        uniform_indices(total, frames)


def test_no_frame_in_time_is_refused() -> None:
    with pytest.raises(ValueError, match="got 3 of 0"):
        uniform_by_time(np.empty(0), 0.0, 3)


DRAWS = {
    "segment": (segment_indices, segment_by_time),
    "random": (random_indices, random_by_time),
    "consecutive": (consecutive_indices, consecutive_by_time),
}
GAPS = st.lists(st.floats(0.001, 10), min_size=1, max_size=60)
SEEDS = st.integers(0, 2**32 - 1)


def drawn(kind: str, gaps: list[float], frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw by index and by time out of a video whose frames last as long as the gaps."""
    by_index, by_time = DRAWS[kind]
    seconds = np.cumsum([0.0, *gaps[:-1]])
    indices = by_index(len(gaps), frames, np.random.default_rng(seed))
    return indices, by_time(seconds, float(sum(gaps)), frames, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", DRAWS)
@given(gaps=GAPS, frames=st.integers(1, 70), seed=SEEDS)
def test_draws_never_fall_lie_in_the_video_and_follow_their_seed(kind, gaps, frames, seed) -> None:
    for found, again in zip(
        drawn(kind, gaps, frames, seed), drawn(kind, gaps, frames, seed), strict=True
    ):
        assert len(found) == frames
        assert found.min() >= 0
        assert found.max() < len(gaps)
        assert (np.diff(found) >= 0).all()
        assert found.tolist() == again.tolist()


@given(total=COUNTS, frames=COUNTS, seed=SEEDS)
def test_each_segment_gives_one_of_its_own_frames(total: int, frames: int, seed: int) -> None:
    found = segment_indices(total, frames, np.random.default_rng(seed))
    for i, index in enumerate(found.tolist()):
        first, after = i * total // frames, (i + 1) * total // frames
        assert first <= index < max(after, first + 1)


@given(gaps=GAPS, frames=st.integers(1, 40), seed=SEEDS)
def test_each_span_of_time_gives_a_frame_that_is_on_the_screen_in_it(gaps, frames, seed) -> None:
    ends = np.cumsum(gaps)
    starts, duration = ends - gaps, float(ends[-1])
    found = segment_by_time(
        np.cumsum([0.0, *gaps[:-1]]), duration, frames, np.random.default_rng(seed)
    )
    for i, index in enumerate(found.tolist()):
        assert starts[index] <= (i + 1) * duration / frames + 1e-9
        assert ends[index] >= i * duration / frames - 1e-9


@pytest.mark.parametrize("kind", ["random", "consecutive"])
@given(gaps=GAPS, frames=st.integers(1, 60), seed=SEEDS)
def test_no_drawn_frame_repeats_where_there_are_enough(kind, gaps, frames, seed) -> None:
    for found in drawn(kind, gaps, frames, seed):
        assert len(set(found.tolist())) == min(frames, len(gaps))


@given(gaps=GAPS, frames=st.integers(1, 60), seed=SEEDS)
def test_consecutive_frames_stand_in_a_row(gaps, frames: int, seed: int) -> None:
    for found in drawn("consecutive", gaps, frames, seed):
        row = range(int(found[0]), int(found[0]) + frames)
        assert found.tolist() == [min(n, len(gaps) - 1) for n in row]


def test_every_run_of_frames_can_be_drawn() -> None:
    for consecutive in DRAWS["consecutive"]:
        by_time = consecutive is consecutive_by_time
        video = (np.arange(6.0), 6.0) if by_time else (6,)
        firsts = {int(consecutive(*video, 4, np.random.default_rng(seed))[0]) for seed in range(60)}
        assert firsts == {0, 1, 2}


def test_a_long_shown_frame_is_drawn_more_often_by_time() -> None:
    seconds = np.arange(10.0)
    draws = [random_by_time(seconds, 100.0, 1, np.random.default_rng(s))[0] for s in range(200)]
    assert np.mean(np.array(draws) == 9) > 0.8


@given(
    places=st.lists(st.integers(-50, 50), min_size=1, max_size=30, unique=True),
    wanted=st.lists(st.integers(-60, 60), max_size=20),
)
def test_the_nearest_place_is_found(places: list[int], wanted: list[int]) -> None:
    places.sort()
    by_hand = [min(range(len(places)), key=lambda i: (abs(places[i] - w), i)) for w in wanted]
    assert nearest(np.array(places), np.array(wanted, int)).tolist() == by_hand


@pytest.mark.parametrize("kind", DRAWS)
def test_nothing_to_draw_from_is_refused(kind: str) -> None:
    by_index, by_time = DRAWS[kind]
    with pytest.raises(ValueError, match="got 3 of 0"):
        by_index(0, 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match="got 3 of 0"):
        by_time(np.empty(0), 0.0, 3, np.random.default_rng(0))
