"""How two videos lie on each other in time: straight lines through their cosine matrix.

A line ``b = offset + speed * a`` is scored by its best run: the stretch with the largest sum of
what its frames are more alike than frames of these two videos are in general. Copies of other
length, with footage cut out or in, speed or frame rate changed keep such runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .lines import best_run, places, score_lines, span_of, step_of, values_on
from .movement import movement_of, score_of
from .records import F32, F64, AlignedRun, Alignment, FrameSequence

SPEEDS = tuple(float(s) for s in np.exp(np.linspace(-np.log(1.5), np.log(1.5), 13)))
LEVEL = 0.0  # cosine by which frames of a run are more alike than the two videos are on average
LONGER = 0.15  # part of its sum by which a line must be better than the end-to-end line
FEWEST = 3  # frames of a run
SECOND = 0.15  # part of the first run's sum that a second one has at least
_KEPT = 3  # lines around which finer ones are tried, twice


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Frames ``first`` to ``last`` of the video of finer steps on a line."""

    speed: float
    offset: float
    first: int
    last: int
    total: float


def align(
    a: FrameSequence,
    b: FrameSequence,
    *,
    offsets: tuple[float, float] | None = None,
    speeds: Sequence[float] = SPEEDS,
    level: float = LEVEL,
) -> Alignment | None:
    """Find how the second video lies on the first one.

    Args:
        a: The first video, its features projected (``FrameSpace.project``), (Ta, M).
        b: The second one, (Tb, M).
        offsets: The least and the largest second of ``b`` at which second 0 of ``a`` may be; all
            by default.
        speeds: Seconds of ``b`` a second of ``a`` that are tried first; finer ones follow.
        level: Cosine by which the frames of a run are more alike than the videos are on average.

    Returns:
        ``None`` where no line has a run of three frames.

    Raises:
        ValueError: If a sequence has no frames, or the features differ in length.
    """
    for video in (a, b):
        if not len(video.features):
            raise ValueError("a sequence of no frames")
    if a.features.shape[1] != b.features.shape[1]:
        raise ValueError(f"features of {a.features.shape[1]} and {b.features.shape[1]} numbers")
    if _key(b) < _key(a):  # a, b and b, a are read along the frames of the same video
        if offsets is not None:
            offsets = -offsets[1], -offsets[0]
        found = _align(b, a, offsets, [1 / speed for speed in speeds], level, swapped=True)
        return None if found is None else _turned(found)
    return _align(a, b, offsets, list(speeds), level, swapped=False)


def _key(video: FrameSequence) -> tuple[float, float, int, float]:
    return step_of(video), video.duration, len(video.features), float(video.features.sum())


def _align(
    a: FrameSequence,
    b: FrameSequence,
    offsets: tuple[float, float] | None,
    speeds: list[float],
    level: float,
    *,
    swapped: bool,
) -> Alignment | None:
    cosines = a.features @ b.features.T
    usual = (cosines.mean(axis=1, keepdims=True) + cosines.mean(axis=0, keepdims=True)) / 2
    excess = np.asarray(cosines - usual - level, np.float32)
    lines = _first_lines(a, b, offsets, speeds, swapped=swapped)
    found = _best_line(excess, lines, a, b, end_to_end=offsets is None)
    if found is None:
        return None
    stretches = [found]
    if (second := _second_stretch(excess, found, a, b)) is not None:
        stretches.append(second)
    stretches.sort(key=lambda s: s.first - s.last)
    return _alignment(cosines, stretches, a, b)


def _first_lines(
    a: FrameSequence,
    b: FrameSequence,
    offsets: tuple[float, float] | None,
    speeds: list[float],
    *,
    swapped: bool,
) -> F64:
    """Return speed and offset of all lines that are tried first, (L, 2)."""
    (start_a, end_a), (start_b, end_b) = span_of(a), span_of(b)
    parts = []
    for speed in speeds:
        low, high = start_b - speed * end_a, end_b - speed * start_a
        if offsets is not None:
            scale = speed if swapped else 1.0
            low, high = max(low, offsets[0] * scale), min(high, offsets[1] * scale)
        grid = max(step_of(b), speed * step_of(a)) / 2
        count = max(1, int(np.ceil((high - low) / grid)) + 1) if high >= low else 0
        parts.append(np.stack([np.full(count, speed), np.linspace(low, high, count)], axis=1))
    return np.concatenate(parts)


def _best_line(
    excess: F32, lines: F64, a: FrameSequence, b: FrameSequence, *, end_to_end: bool
) -> _Stretch | None:
    if not len(lines):
        return None
    best = _finer(excess, lines, a, b)
    if end_to_end:
        (start_a, end_a), (start_b, end_b) = span_of(a), span_of(b)
        speed = (end_b - start_b) / (end_a - start_a)
        if min(lines[:, 0]) * 0.9 <= speed <= max(lines[:, 0]) * 1.1:
            whole = np.array([[speed, start_b - speed * start_a]])
            ends = _finer(excess, whole, a, b)
            if best is None or (ends and ends.total * (1 + LONGER) >= best.total):
                best = ends
    return best


def _finer(excess: F32, lines: F64, a: FrameSequence, b: FrameSequence) -> _Stretch | None:
    """Try finer lines around the best ones, twice; return the best one's best run."""
    scores = score_lines(excess, lines, a, b)
    long_a = max(float(a.seconds[-1] - a.seconds[0]), 1e-3)
    grid = max(step_of(b), step_of(a)) / 2
    middle = float(a.seconds.mean())
    for share in (1.0, 0.3):
        kept = lines[np.argsort(-scores, kind="stable")[:_KEPT]]
        turns = np.linspace(-1, 1, 5) * share * min(0.035, 2 * grid / long_a)
        moves = np.linspace(-1, 1, 5) * share * grid
        speeds = kept[:, 0, None, None] * np.exp(turns[None, :, None])
        # A line turns around the middle of the video, not around its second 0.
        centre = kept[:, 1, None, None] + (kept[:, 0, None, None] - speeds) * middle
        more = np.broadcast_arrays(speeds, centre + moves[None, None, :])
        lines = np.concatenate([kept, np.stack([part.ravel() for part in more], axis=1)])
        scores = score_lines(excess, lines, a, b)
    line = lines[[int(scores.argmax())]]
    return _stretch(excess, line, a, b)


def _stretch(excess: F32, line: F64, a: FrameSequence, b: FrameSequence) -> _Stretch | None:
    found = best_run(values_on(excess, line, a, b))
    first, last = int(found.first[0]), int(found.last[0])
    if found.sums[0] <= 0 or last - first + 1 < min(FEWEST, len(a.seconds), len(b.seconds)):
        return None
    return _Stretch(float(line[0, 0]), float(line[0, 1]), first, last, float(found.sums[0]))


def _second_stretch(
    excess: F32, found: _Stretch, a: FrameSequence, b: FrameSequence
) -> _Stretch | None:
    """Find what goes on before or after a run at its speed, where footage was cut in or out."""
    grid = max(step_of(b), found.speed * step_of(a)) / 2
    best: _Stretch | None = None
    (start_a, end_a), (start_b, end_b) = span_of(a), span_of(b)
    for first, last, later in (
        (0, found.first - 1, False),
        (found.last + 1, len(excess) - 1, True),
    ):
        if last - first + 1 < FEWEST:
            continue
        # Before the run the other video is at earlier moments too, after it at later ones.
        low, high = start_b - found.speed * end_a, end_b - found.speed * start_a
        edge = found.offset + found.speed * float(a.seconds[found.last if later else found.first])
        offsets = np.linspace(low, high, max(1, int(np.ceil((high - low) / grid)) + 1))
        lines = np.stack([np.full(len(offsets), found.speed), offsets], axis=1)
        part = FrameSequence(a.features[first : last + 1], a.seconds[first : last + 1], a.duration)
        moments = lines[:, :1] * part.seconds + lines[:, 1:]
        values = values_on(excess[first : last + 1], lines, part, b)
        values[(moments <= edge) if later else (moments >= edge)] = -np.inf
        runs = best_run(values)
        k = int(runs.sums.argmax())
        length = int(runs.last[k] - runs.first[k]) + 1
        total = float(runs.sums[k])
        if length >= FEWEST and total > max(SECOND * found.total, best.total if best else 0):
            start = first + int(runs.first[k])
            best = _Stretch(found.speed, float(offsets[k]), start, start + length - 1, total)
    return best


def _alignment(
    cosines: F32, stretches: list[_Stretch], a: FrameSequence, b: FrameSequence
) -> Alignment:
    runs = tuple(_run(stretch, a, b) for stretch in stretches)
    pieces = []
    on_line = []
    for stretch in stretches:
        chosen = slice(stretch.first, stretch.last + 1)
        at = places(stretch.offset + stretch.speed * a.seconds[chosen], b)
        after = np.minimum(at.before + 1, len(b.features) - 1)
        weight = at.weight[:, None]
        shown = b.features[at.before] * (1 - weight) + b.features[after] * weight
        pieces.append((a.features[chosen], shown))
        rows = np.arange(stretch.first, stretch.last + 1)
        on_line.append(
            cosines[rows, at.before] * (1 - at.weight) + cosines[rows, after] * at.weight
        )
    moved = movement_of(pieces)
    share_a = _share(sum(run.a_end - run.a_start for run in runs), a)
    share_b = _share(sum(run.b_end - run.b_start for run in runs), b)
    cosine = float(np.concatenate(on_line).mean())
    score = score_of(moved, share_a, share_b)
    return Alignment(runs, share_a, share_b, moved.dyn, moved.step, cosine, score, moved.even)


def _share(seconds: float, video: FrameSequence) -> float:
    start, end = span_of(video)
    return float(min(1.0, seconds / max(end - start, 1e-6)))


def _run(stretch: _Stretch, a: FrameSequence, b: FrameSequence) -> AlignedRun:
    """Return a run in seconds, half a step beyond its first and last frame, inside both videos."""
    half = step_of(a) / 2
    (start_a, end_a), (start_b, end_b) = span_of(a), span_of(b)
    low = max(float(a.seconds[stretch.first]) - half, start_a)
    high = min(float(a.seconds[stretch.last]) + half, end_a)
    low = max(low, (start_b - stretch.offset) / stretch.speed)
    high = max(low, min(high, (end_b - stretch.offset) / stretch.speed))
    ends = [stretch.offset + stretch.speed * moment for moment in (low, high)]
    return AlignedRun(low, high, ends[0], ends[1], stretch.speed)


def _turned(found: Alignment) -> Alignment:
    runs = tuple(
        AlignedRun(run.b_start, run.b_end, run.a_start, run.a_end, 1 / run.speed)
        for run in found.runs
    )
    return replace(found, runs=runs, share_a=found.share_b, share_b=found.share_a)
