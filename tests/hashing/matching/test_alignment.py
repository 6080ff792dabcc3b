"""Alignment: planted offsets, speeds and cuts are found; lines agree with plain loops."""

from __future__ import annotations

import time

import numpy as np
import pytest

from chainpipe.hashing.matching.alignment import align
from chainpipe.hashing.matching.lines import best_run, score_lines, span_of, values_on
from chainpipe.hashing.matching.records import F32, F64, FrameSequence
from chainpipe.hashing.matching.space import unit

from .sequences import DIRECTIONS, path, seen


def value_by_hand(matrix: F32, row: int, second: float, b: FrameSequence) -> float:
    """One row of a matrix at a moment of the columns, found by walking along them."""
    start, end = span_of(b)
    if not start <= second <= end:
        return -np.inf
    times = b.seconds
    if second <= times[0]:
        return float(matrix[row, 0])
    for column in range(len(times) - 1):
        if times[column] <= second <= times[column + 1]:
            part = (second - times[column]) / (times[column + 1] - times[column])
            return float(matrix[row, column] * (1 - part) + matrix[row, column + 1] * part)
    return float(matrix[row, -1])


def run_by_hand(values: F32) -> float:
    """The largest sum of any run, all of them tried."""
    count = len(values)
    return max(values[i:j].sum() for i in range(count) for j in range(i + 1, count + 1))


def uneven(count: int, rng: np.random.Generator) -> FrameSequence:
    """A video whose frames stand at uneven moments."""
    clock: F64 = np.sort(rng.uniform(0, 10, count))
    features = unit(rng.standard_normal((count, DIRECTIONS)))
    return FrameSequence(features, clock, 10.0)


@pytest.mark.parametrize("even", [True, False])
def test_lines_agree_with_loops(even: bool) -> None:
    rng = np.random.default_rng(3)
    a, b = uneven(7, rng), uneven(9, rng)
    if even:
        b = FrameSequence(b.features, np.arange(9.0), 9.0)
    matrix = np.asarray(rng.standard_normal((7, 9)), np.float32)
    lines = np.stack([rng.uniform(0.6, 1.5, 30), rng.uniform(-4, 6, 30)], axis=1)
    found = values_on(matrix, lines, a, b)
    for line, values in zip(lines, found, strict=True):
        by_hand = [
            value_by_hand(matrix, row, line[0] * a.seconds[row] + line[1], b) for row in range(7)
        ]
        np.testing.assert_allclose(values, by_hand, rtol=1e-4, atol=1e-5)
    sums = [run_by_hand(np.maximum(values, -1e3)) for values in found]
    np.testing.assert_allclose(score_lines(matrix, lines, a, b), sums, rtol=1e-4, atol=1e-4)


def test_the_best_run_is_where_its_sum_is() -> None:
    values = np.asarray(np.random.default_rng(0).standard_normal((50, 12)), np.float32)
    found = best_run(values)
    for row, total, first, last in zip(values, *found, strict=True):
        assert total == pytest.approx(row[first : last + 1].sum(), abs=1e-5)
        assert total == pytest.approx(run_by_hand(row), abs=1e-5)


@pytest.mark.parametrize(
    ("start", "speed", "seconds"),
    [(0.0, 1.0, 10.0), (1.5, 1.0, 8.0), (0.0, 1.25, 8.0), (0.0, 0.8, 12.5), (1.0, 1.2, 7.0)],
)
def test_a_planted_offset_and_speed_are_found(start: float, speed: float, seconds: float) -> None:
    film = path(20, seed=5)
    whole = seen(film, seconds=10)
    copy = seen(film, start=start, speed=speed, seconds=seconds, seed=3)
    found = align(copy, whole)
    assert found is not None
    run = found.runs[0]
    middle = (run.a_start + run.a_end) / 2
    assert run.offset + run.speed * middle == pytest.approx(start + speed * middle, abs=0.2)
    assert found.score > 0.3
    assert found.dyn > 0.7


def test_footage_that_was_cut_in_makes_two_runs() -> None:
    film, other = path(20, seed=5), path(20, seed=6)
    cut_in = np.concatenate([film[:125], other[:75], film[125:250]])
    found = align(seen(film, seconds=10), seen(cut_in, seconds=13, frames=32, seed=4))
    assert found is not None
    assert len(found.runs) == 2
    assert sorted(round(run.offset) for run in found.runs) == [0, 3]
    assert found.share_b == pytest.approx(10 / 13, abs=0.08)


def test_a_short_clip_is_found_in_a_film_within_a_range_of_offsets() -> None:
    film = path(200, seed=8, shots=40)
    whole = seen(film, seconds=200, frames=400)
    clip = seen(film, start=120.3, seconds=6, frames=12, seed=2)
    found = align(clip, whole, offsets=(115, 125))
    assert found is not None
    assert found.runs[0].offset == pytest.approx(120.3, abs=0.25)
    turned = align(whole, clip, offsets=(-125, -115))
    assert turned is not None
    assert turned.runs[0].offset == pytest.approx(-120.3, abs=0.3)
    elsewhere = align(clip, whole, offsets=(20, 40))
    assert elsewhere is None or elsewhere.score < found.score / 3


def test_b_and_a_are_what_a_and_b_are() -> None:
    film = path(20, seed=5)
    a, b = seen(film, seconds=10), seen(film, start=1, seconds=8, frames=30, seed=3)
    one, other = align(a, b), align(b, a)
    assert one is not None
    assert other is not None
    assert (one.share_a, one.share_b) == (other.share_b, other.share_a)
    assert one.score == other.score
    assert one.runs[0].a_start == other.runs[0].b_start


def test_unrelated_videos_have_low_scores() -> None:
    scores = []
    for seed in range(20):
        a, b = (seen(path(10, seed=100 * k + seed, shots=4), seed=seed) for k in (1, 2))
        found = align(a, b)
        scores.append(found.score if found else 0.0)
    assert max(scores) < 0.3


def test_one_frame_and_equal_moments_do_no_harm() -> None:
    film = path(20, seed=5)
    a = seen(film)
    one = FrameSequence(a.features[:1], a.seconds[:1], 0.04)
    still = FrameSequence(np.repeat(a.features[:1], 25, axis=0), np.zeros(25), 0.04)
    for other in (one, still):
        for pair in ((a, other), (other, a), (other, other)):
            found = align(*pair)
            assert found is None or found.score < 0.3


def test_no_frames_and_other_directions_are_refused() -> None:
    a = seen(path(20, seed=5))
    nothing = FrameSequence(a.features[:0], a.seconds[:0], 1.0)
    with pytest.raises(ValueError, match="no frames"):
        align(a, nothing)
    with pytest.raises(ValueError, match="64 and 32 numbers"):
        align(a, FrameSequence(a.features[:, :32], a.seconds, 10.0))


def test_a_pair_takes_milliseconds() -> None:
    film = path(20, seed=5)
    a, b = seen(film), seen(film, seed=2)
    align(a, b)
    start = time.process_time()
    for _ in range(20):
        align(a, b)
    assert (time.process_time() - start) / 20 < 0.02
