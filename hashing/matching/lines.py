"""Straight lines through the cosine matrix of two videos, each scored by its best run of frames."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .records import F32, F64, FrameSequence

EVEN = 0.06  # of the mean gap by which frames may stand off a grid and count as even
_MOST = 1 << 21  # values that are looked at at once


class FramePlaces(NamedTuple):
    """Where moments lie between the frames of a video.

    Attributes:
        before: The frame at or before each moment.
        weight: How far each moment is on the way to the next frame, 0 to 1.
        inside: Whether the video shows each moment.
    """

    before: npt.NDArray[np.int64]
    weight: F32
    inside: npt.NDArray[np.bool_]


class Runs(NamedTuple):
    """The best run of each of L lines.

    Attributes:
        sums: Of the values on it, (L,).
        first: Its first frame, (L,).
        last: Its last frame, (L,).
    """

    sums: F32
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]


def step_of(video: FrameSequence) -> float:
    """Return the mean gap between the frames of a video in seconds, above 0.

    The mean, not the median: what follows multiplies it by numbers of frames.
    """
    count = len(video.seconds)
    if count < 2:
        return max(video.duration, 1e-3)
    return max(float(video.seconds[-1] - video.seconds[0]) / (count - 1), 1e-3)


def span_of(video: FrameSequence) -> tuple[float, float]:
    """Return from when to when a video's frames stand for what it shows, in seconds."""
    half = step_of(video) / 2
    start = max(float(video.seconds[0]) - half, min(0.0, float(video.seconds[0])))
    return start, float(video.seconds[-1]) + half


def places(seconds: F64, video: FrameSequence) -> FramePlaces:
    """Find moments between the frames of a video.

    Args:
        seconds: Moments, any shape.
        video: T frames.
    """
    times, count = video.seconds, len(video.seconds)
    start, end = span_of(video)
    inside = (seconds >= start) & (seconds <= end)
    if count == 1:
        zeros = np.zeros(seconds.shape)
        return FramePlaces(zeros.astype(np.int64), zeros.astype(np.float32), inside)
    step = (times[-1] - times[0]) / (count - 1)
    even = times[0] + step * np.arange(count)
    if step > 0 and np.abs(times - even).max() <= EVEN * step:  # three times as fast
        at = np.clip((seconds - times[0]) * (1 / step), 0, count - 1)
    else:
        at = np.interp(seconds, times, np.arange(count, dtype=np.float64))
    before = np.minimum(at.astype(np.int64), count - 2)
    return FramePlaces(before, (at - before).astype(np.float32), inside)


def values_on(matrix: F32, lines: F64, a: FrameSequence, b: FrameSequence) -> F32:
    """Read a matrix along lines, between the columns where a line lies between two frames.

    Args:
        matrix: One row a frame of ``a``, one column a frame of ``b``, (Ta, Tb).
        lines: Speed and offset of each line, (L, 2).
        a: The video whose frames are the rows.
        b: The one whose frames are the columns.

    Returns:
        (L, Ta); ``-inf`` where the line is outside of ``b``.
    """
    found = places(lines[:, :1] * a.seconds + lines[:, 1:], b)
    width = matrix.shape[1]
    flat = matrix.ravel()
    at = found.before + np.arange(len(matrix)) * width
    low = flat[at]
    if width > 1:
        low += (flat[at + 1] - low) * found.weight
    low[~found.inside] = -np.inf
    return np.asarray(low, np.float32)


def best_run(values: F32) -> Runs:
    """Find the run with the largest sum on each line (Kadane's maximum subarray).

    Args:
        values: (L, T); ``-inf`` is never in a run.

    Example:
        >>> best_run(np.array([[1, -3, 2, -1, 2]], np.float32))
        Runs(sums=array([3.], dtype=float32), first=array([2]), last=array([4]))
    """
    count, length = values.shape
    sums = np.zeros((count, length + 1), np.float32)
    np.cumsum(np.maximum(values, -1e3), axis=1, out=sums[:, 1:])
    gain = sums[:, 1:] - np.minimum.accumulate(sums[:, :-1], axis=1)
    last = gain.argmax(axis=1)
    before = np.where(np.arange(length) <= last[:, None], sums[:, :-1], np.inf)
    first = before.argmin(axis=1)
    return Runs(gain[np.arange(count), last], first, last)


def score_lines(matrix: F32, lines: F64, a: FrameSequence, b: FrameSequence) -> F32:
    """Return the sum of the best run of each line, (L,); see :func:`values_on`."""
    block = max(1, _MOST // max(1, len(matrix)))
    found = [
        best_run(values_on(matrix, lines[at : at + block], a, b)).sums
        for at in range(0, len(lines), block)
    ]
    return np.concatenate(found) if found else np.empty(0, np.float32)
