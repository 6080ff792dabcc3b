"""How two videos lie on each other in time: straight lines through their cosine matrix.

A line ``b = offset + speed * a`` is scored by its best run: the stretch with the largest sum of
what its frames are more alike than frames of these two videos are in general. Copies of other
length, with footage cut out or in, speed or frame rate changed keep such runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .lines import best_run, places, score_lines, span_of, step_of, values_on
from .movement import FramePairs, alike, movement_of, score_of
from .records import F32, F64, AlignedRun, Alignment, FrameSequence

SPEEDS = tuple(float(s) for s in np.exp(np.linspace(-np.log(1.5), np.log(1.5), 9)))
UNCHANGED = 0.3  # part of its sum that a line loses where its speed is e times 1
CLEARLY = 0.02  # by which a less likely line must fit better
FEWEST = 3  # frames of a run
SECOND = 0.15  # part of the first run's sum that a second one has at least
_OVERLAP = 0.15  # of the shorter video that a line covers at least
_KEPT = 2  # lines of a kind around which finer ones are tried
_TURN = 0.06  # of the speed that a finer line turns at most
_SAME = 0.02  # of the speed up to which it counts as unchanged


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
) -> Alignment | None:
    """Find how the second video lies on the first one.

    Three lines are measured: the one from both starts to both ends, the best at unchanged speed
    and the best of all; a less likely one must fit clearly better. Where footage was cut in or out
    there is a second run at the same speed.

    Args:
        a: The first video, its features projected (``FrameSpace.project``), (Ta, M).
        b: The second one, (Tb, M).
        offsets: The least and the largest second of ``b`` at which second 0 of ``a`` may be; all
            by default.
        speeds: Seconds of ``b`` a second of ``a`` that are tried first; finer ones follow.

    Returns:
        ``None`` where no line has a run of three frames.

    Raises:
        ValueError: If a sequence has no frames, or the features differ in length.
    """
    if not len(a.features) or not len(b.features):
        raise ValueError("a sequence of no frames")
    if a.features.shape[1] != b.features.shape[1]:
        raise ValueError(f"features of {a.features.shape[1]} and {b.features.shape[1]} numbers")
    if _key(a) <= _key(b):  # a, b and b, a are read along the frames of the same video
        return _align(a, b, _lines(a, b, offsets, speeds), end_to_end=offsets is None)
    turned = [1 / speed for speed in speeds]
    lines = _lines(b, a, None, turned)
    if offsets is not None:  # second 0 of the one is second -offset / speed of the other
        there = -lines[:, 1] / lines[:, 0]
        lines = lines[(there >= offsets[0]) & (there <= offsets[1])]
    found = _align(b, a, lines, end_to_end=offsets is None)
    return None if found is None else _turned(found)


def _key(video: FrameSequence) -> tuple[float, float, int, float]:
    return step_of(video), video.duration, len(video.features), float(video.features.sum())


def _align(a: FrameSequence, b: FrameSequence, lines: F64, *, end_to_end: bool) -> Alignment | None:
    cosines = a.features @ b.features.T
    usual = (cosines.mean(axis=1, keepdims=True) + cosines.mean(axis=0, keepdims=True)) / 2
    excess = np.asarray(cosines - usual, np.float32)
    best: tuple[float, Alignment] | None = None
    seen: list[_Stretch] = []
    middle, near = float(a.seconds.mean()), 0.15 * max(step_of(a), step_of(b))
    for found in _likely(excess, lines, a, b, end_to_end=end_to_end):
        if any(_equal(found, other, middle, near) for other in seen):
            continue
        seen.append(found)
        second = _second_stretch(excess, found, a, b)
        fit, measured = _measured([found] if second is None else [found, second], a, b)
        if best is None or fit > best[0] + CLEARLY:
            best = fit, measured
    return None if best is None else best[1]


def _equal(one: _Stretch, other: _Stretch, middle: float, near: float) -> bool:
    """Whether two stretches show the same frames, but for a small part of a step."""
    moment = (one.speed - other.speed) * middle + one.offset - other.offset
    frames = (one.first, one.last) == (other.first, other.last)
    return frames and abs(moment) < near and abs(one.speed / other.speed - 1) < _SAME / 2


def _lines(
    a: FrameSequence,
    b: FrameSequence,
    offsets: tuple[float, float] | None,
    speeds: Sequence[float],
) -> F64:
    """Return speed and offset of all lines that are tried first, (L, 2)."""
    (start_a, end_a), (start_b, end_b) = span_of(a), span_of(b)
    parts = []
    for speed in speeds:
        shorter = min(end_b - start_b, speed * (end_a - start_a))
        least = max(_OVERLAP * shorter, min(shorter, 2 * speed * step_of(a)))
        low, high = start_b - speed * end_a + least, end_b - speed * start_a - least
        if offsets is not None:
            low, high = max(low, offsets[0]), min(high, offsets[1])
        if high < low:
            continue
        grid = max(step_of(b), speed * step_of(a)) / 2
        tried = np.linspace(low, high, int(np.ceil((high - low) / grid)) + 1)
        parts.append(np.column_stack([np.full(len(tried), speed), tried]))
    return np.concatenate(parts) if parts else np.empty((0, 2))


def _likely(
    excess: F32, lines: F64, a: FrameSequence, b: FrameSequence, *, end_to_end: bool
) -> Iterator[_Stretch]:
    """Yield the best runs of what may be, the likeliest line first.

    End to end, at unchanged speed, and the best of all: finer lines around the best ones of each
    are tried twice, all at once.
    """
    if not len(lines):
        return
    scores = _preferred(score_lines(excess, lines, a, b), lines)
    same = np.abs(np.log(lines[:, 0])) < _SAME
    best = [_best(lines, scores, _KEPT)]
    if same.any():
        best.insert(0, _best(lines[same], scores[same], _KEPT))
    turns = [0.0, 1.0][-len(best) :]
    (start_a, end_a), (start_b, end_b) = span_of(a), span_of(b)
    speed = (end_b - start_b) / (end_a - start_a)
    if end_to_end and lines[:, 0].min() * 0.9 <= speed <= lines[:, 0].max() * 1.1:
        best.insert(0, np.array([[speed, start_b - speed * start_a]]))
        turns.insert(0, 1.0)
    long_a = max(float(a.seconds[-1] - a.seconds[0]), 1e-3)
    grid = max(step_of(b), step_of(a)) / 2
    middle = float(a.seconds.mean())
    for share in (1.0, 0.3):
        turn, move = share * min(_TURN, 2 * grid / long_a), share * grid
        finer = [
            np.concatenate([kept, _finer(kept, turn * turned, move, middle)])
            for kept, turned in zip(best, turns, strict=True)
        ]
        every = np.concatenate(finer)
        scores = _preferred(score_lines(excess, every, a, b), every)
        ends = np.cumsum([len(lines) for lines in finer])[:-1]
        groups = zip(finer, np.split(scores, ends), strict=True)
        kept = _KEPT if share == 1.0 else 1
        best = [_best(lines, scores, kept) for lines, scores in groups]
    chosen = np.concatenate(best)
    runs = best_run(values_on(excess, chosen, a, b))
    for line, total, first, last in zip(chosen, *runs, strict=True):
        if total > 0 and last - first + 1 >= min(FEWEST, len(a.seconds)):
            yield _Stretch(float(line[0]), float(line[1]), int(first), int(last), float(total))


def _best(lines: F64, scores: F32, count: int) -> F64:
    return lines[np.argsort(-scores, kind="stable")[:count]]


def _finer(lines: F64, turn: float, move: float, middle: float) -> F64:
    """Return lines turned around a moment and moved by up to so much, (n, 2)."""
    speeds = lines[:, :1] * np.exp(turn * _GRID) if turn else lines[:, :1]  # (lines, turns)
    # A line turns around the middle of the video, not around its second 0.
    turned = lines[:, 1:] + (lines[:, :1] - speeds) * middle
    moved = turned[:, :, None] + move * _GRID
    finer = np.stack([np.broadcast_to(speeds[:, :, None], moved.shape), moved], axis=-1)
    return np.asarray(finer.reshape(-1, 2), np.float64)


_GRID = np.linspace(-1, 1, 5)


def _preferred(scores: F32, lines: F64) -> F32:
    """Lower the scores of lines by how far their speed is from 1, which most copies have."""
    return np.asarray(scores * (1 - UNCHANGED * np.abs(np.log(lines[:, 0]))), np.float32)


def _second_stretch(
    excess: F32, found: _Stretch, a: FrameSequence, b: FrameSequence
) -> _Stretch | None:
    """Find what goes on before or after a run at its speed, where footage was cut in or out."""
    best: _Stretch | None = None
    grid = max(step_of(b), found.speed * step_of(a)) / 2
    (start_a, end_a), (start_b, end_b) = span_of(a), span_of(b)
    low, high = start_b - found.speed * end_a, end_b - found.speed * start_a
    offsets = np.linspace(low, high, int(np.ceil((high - low) / grid)) + 1)
    lines = np.column_stack([np.full(len(offsets), found.speed), offsets])
    sides = ((0, found.first, False), (found.last + 1, len(excess), True))
    for start, stop, later in sides:
        if stop - start < FEWEST:
            continue
        # Before the run the other video is at earlier moments too, after it at later ones.
        edge = found.offset + found.speed * float(a.seconds[found.last if later else found.first])
        part = replace(a, features=a.features[start:stop], seconds=a.seconds[start:stop])
        moments = lines[:, :1] * part.seconds + lines[:, 1:]
        values = values_on(excess[start:stop], lines, part, b)
        values[(moments <= edge) if later else (moments >= edge)] = -np.inf
        runs = best_run(values)
        k = int(runs.sums.argmax())
        first, last = start + int(runs.first[k]), start + int(runs.last[k])
        total = float(runs.sums[k])
        least = max(SECOND * found.total, best.total if best else 0.0)
        if last - first + 1 >= FEWEST and total > least:
            best = _Stretch(found.speed, float(offsets[k]), first, last, total)
    return best


def _measured(
    stretches: list[_Stretch], a: FrameSequence, b: FrameSequence
) -> tuple[float, Alignment]:
    """Return how well stretches explain both videos, and the alignment that they are."""
    stretches = sorted(stretches, key=lambda stretch: (stretch.first - stretch.last, stretch.first))
    runs = tuple(_run(stretch, a, b) for stretch in stretches)
    # At the frames of the longer steps: between the frames of the shorter ones less is lost.
    pieces = [_shown_together(run, a, b) for run in runs]
    moved = movement_of(pieces)
    share_a = _share(sum(run.a_end - run.a_start for run in runs), a)
    share_b = _share(sum(run.b_end - run.b_start for run in runs), b)
    cosines = np.concatenate([(ours * theirs).sum(axis=1) for ours, theirs in pieces])
    found = Alignment(
        runs=runs,
        share_a=share_a,
        share_b=share_b,
        dyn=moved.dyn,
        step=moved.step,
        cosine=float(cosines.mean()) if len(cosines) else 0.0,
        score=score_of(moved, share_a, share_b),
        even=moved.even,
        inner=moved.inner,
        cuts=moved.cuts,
        moments=moved.moments,
    )
    return alike(moved) * (share_a + share_b) / 2, found


def _shown_together(run: AlignedRun, a: FrameSequence, b: FrameSequence) -> FramePairs:
    """Return what ``a`` shows at the moments of the frames of ``b`` in a run, and these."""
    chosen = (b.seconds >= run.b_start - 1e-6) & (b.seconds <= run.b_end + 1e-6)
    at = places(run.a_start + (b.seconds[chosen] - run.b_start) / run.speed, a)
    after = np.minimum(at.before + 1, len(a.features) - 1)
    weight = at.weight[:, None]
    shown = a.features[at.before] * (1 - weight) + a.features[after] * weight
    return np.asarray(shown, np.float32), b.features[chosen]


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
