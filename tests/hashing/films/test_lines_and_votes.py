"""The parts of a search for a clip, each beside a plain second way or a planted truth."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest

from chainpipe.hashing.films.line import ClipLine, fit_line, read_between
from chainpipe.hashing.films.votes import count_votes
from chainpipe.hashing.films.windows import windows_of
from chainpipe.hashing.matching.records import FrameSequence
from chainpipe.hashing.matching.space import unit
from chainpipe.hashing.retrieval.window_spans import spans_of
from tests.hashing.films.made_films import EVERY, MadeFilm

FILM = MadeFilm(3, 60.0)


def sequence(film: MadeFilm, step: float = EVERY) -> FrameSequence:
    times = np.arange(step / 2, film.seconds, step)
    return FrameSequence(unit(film.at(times)), times, film.seconds)


@pytest.mark.parametrize("duration", [0.3, 2.0, 7.3, 60.0])
def test_windows_are_the_means_of_the_frames_they_last(duration: float) -> None:
    video = sequence(MadeFilm(1, duration), 0.25)
    found = windows_of(video)
    starts = [k / 2 for k in range(max(1, math.floor((duration - 2) / 0.5 + 1e-6) + 1))]
    assert found.starts.tolist() == starts
    for start, vector in zip(starts, found.vectors, strict=True):
        inside = (video.seconds >= start) & (video.seconds < start + 2)
        assert np.allclose(vector, unit(video.features[inside].mean(axis=0)), atol=1e-5)


def test_frames_far_apart_make_long_windows() -> None:
    spans = spans_of(np.array([5.0, 15.0, 25.0]), 30.0)
    assert (spans.length, spans.starts.tolist()) == (10.0, [0.0, 10.0, 20.0])
    assert (spans.after - spans.first).tolist() == [1, 1, 1]
    assert spans_of(np.array([0.1]), 0.2).starts.tolist() == [0.0]


def test_votes_are_counted_as_a_plain_loop_counts_them() -> None:
    rng = np.random.default_rng(0)
    weights = rng.uniform(-0.2, 1, (7, 9)).astype(np.float32)
    rows = rng.integers(-1, 3, (7, 9))
    starts, query = rng.integers(0, 60, (7, 9)) / 2, np.arange(7) / 2
    speeds = (0.8, 1.0, 1.25)
    found = count_votes(weights, rows, starts, query, 2.0, speeds=speeds, most=5)
    best: dict[tuple[int, int], float] = defaultdict(float)
    for speed in speeds:
        sums: dict[tuple[int, int], float] = defaultdict(float)
        for i in range(7):
            for j in range(9):
                place = round((starts[i, j] + speed * (2.0 - query[i])) / 0.5)
                if rows[i, j] >= 0:
                    sums[int(rows[i, j]), place] += max(0.0, float(weights[i, j]))
        for row, place in sums:
            near = sum(sums.get((row, place + side), 0.0) for side in (-1, 0, 1))
            best[row, place] = max(best[row, place], near)
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    (row, place), votes = ranked[0]
    assert (found[0].row, found[0].middle) == (row, place / 2)
    assert found[0].votes == pytest.approx(votes)
    for one in found:
        assert one.votes == pytest.approx(best[one.row, round(2 * one.middle)])
    apart = [(a, b) for a in found for b in found if a is not b and a.row == b.row]
    assert all(abs(a.middle - b.middle) >= 2 for a, b in apart)


def test_a_matrix_is_read_between_its_columns() -> None:
    matrix = np.array([[0.0, 1.0, 3.0]], np.float32)
    seconds = np.array([1.0, 2.0, 4.0])
    moments = np.array([[0.2], [0.6], [1.5], [3.0], [4.4], [4.6]])
    assert read_between(matrix, moments, seconds).ravel().tolist() == [-0.5, 0, 0.5, 2, 3, -0.5]


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("off", [-0.8, 0.3])
def test_a_line_is_found_to_a_fraction_of_a_step(speed: float, off: float) -> None:
    film = sequence(FILM, 0.25)
    clip = FILM.clip(20.1, 12.0, speed=speed)
    clip = FrameSequence(unit(clip.features), clip.seconds, clip.duration)
    middle = 6.0
    line = fit_line(clip, film, ClipLine(20.1 + speed * middle + off, 1.1, middle))
    assert line.at(0.0) == pytest.approx(20.1, abs=0.4)
    assert line.at(12.0) == pytest.approx(20.1 + speed * 12, abs=0.4)
    assert line.speed == pytest.approx(speed, abs=0.05)


def test_a_short_clip_that_could_have_any_speed_has_that_of_the_film() -> None:
    clip = FILM.clip(30.0, 1.2, noise=0.3)
    clip = FrameSequence(unit(clip.features), clip.seconds, clip.duration)
    assert fit_line(clip, sequence(FILM), ClipLine(30.6, 1.2, 0.6)).speed == 1.0
