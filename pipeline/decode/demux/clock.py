"""Mend a stream's clock: where it starts anew or jumps, and single times that do not rise."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Times = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

STEP_BACK = 0.5  # seconds; less than that is a new clock at a random-access point only
JUMP = 10.0  # seconds; ffmpeg, too, calls a longer step of a broadcast's clock a jump
JUMP_STEPS = 10  # usual steps; pictures that stay for long make long steps
TRUSTED = 0.5  # fraction of times that must rise, or none of them is believed
SWAPPED = 0.1  # fraction of times that fall, from which on it is the frames that were swapped


def restarts(dts: Indices, start: Flags, tick: float, *, jumps: bool) -> Indices:
    """Return the ordinals at which a stream's clock starts anew, rising.

    One packet with a wrong time is no restart: two packets on either side must agree.

    Args:
        dts: Decoding times in decoding order, (P,).
        start: Decoding can start here, (P,).
        tick: Seconds.
        jumps: Whether a long step forwards is a restart, too: only where times are a clock's.

    Example:
        >>> dts = np.array([0, 40, 80, 0, 40, 9040, 9080])
        >>> restarts(dts, np.ones(7, bool), 0.01, jumps=True).tolist()
        [3, 5]
    """
    if len(dts) < 2:
        return np.empty(0, np.int64)
    before, after = dts[:-1], dts[1:]
    earlier = np.concatenate([dts[:1], dts[:-2]])
    later = np.concatenate([dts[2:], dts[-1:]])
    drop = np.minimum(earlier, before) - np.maximum(after, later)
    found = (after < before) & (drop >= 0) & (start[1:] | (drop * tick >= STEP_BACK))
    if jumps:
        usual = float(np.median(after - before)) * tick
        gap = (np.minimum(after, later) - np.maximum(earlier, before)) * tick
        found |= gap > max(JUMP, JUMP_STEPS * usual)
    return np.flatnonzero(found) + 1


def continued(pts: Indices, boundaries: Indices) -> Indices:
    """Return times that go on at each restart, one usual step behind the latest before it, (P,).

    Args:
        pts: Shown times in decoding order, (P,).
        boundaries: Of :func:`restarts`.

    Example:
        >>> continued(np.array([0, 40, 80, 0, 40]), np.array([3])).tolist()
        [0, 40, 80, 120, 160]
    """
    parts = np.split(pts, boundaries)
    steps = np.concatenate([np.diff(np.sort(part)) for part in parts])
    usual = max(1, int(np.median(steps))) if len(steps) else 1
    latest = int(parts[0].max()) if len(parts[0]) else 0
    shifted = parts[:1]
    for part in parts[1:]:
        shifted.append(part + (latest + usual - int(part.min())))
        latest = int(shifted[-1].max())
    return np.concatenate(shifted)


def mended(times: Times) -> Times | None:
    """Return times that rise: those that do not fit lie evenly between their neighbours, (N,).

    The longest run of times that never fall is kept. Of equal ones the one stays that is nearer
    to a usual step: where there is more room before them than behind, that is the last. Distinct
    times of which many fall are right, but given to the wrong frames: they are sorted.

    Args:
        times: In presentation order, NaN where unknown, (N,).

    Returns:
        The times, or ``None`` if too many of them are wrong.

    Example:
        >>> mended(np.array([0.0, 1, 2, 2, 4, 5, 3, 7, 8])).tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    """
    if len(times) and (np.diff(times) > 0).all() and not np.isnan(times).any():
        return times
    rising = np.unique(times)
    if len(rising) == len(times) and (np.diff(times) < 0).sum() > max(2, SWAPPED * len(times)):
        return rising
    kept = _distinct(times, _never_falling(times))
    if len(kept) < max(2, TRUSTED * len(times)):
        return None
    # Of two times that fell, the backward run drops the other one.
    other = _distinct(times, len(times) - 1 - _never_falling(-times[::-1])[::-1])
    return min((_between(times, run) for run in (kept, other)), key=_unevenness)


def _between(times: Times, kept: Indices) -> Times:
    """Return times with all but the kept ones interpolated; a usual step lies at either end."""
    usual = float(np.median(np.diff(times[kept]) / np.diff(kept)))
    places = np.arange(len(times))
    found = np.interp(places, kept, times[kept])
    found -= usual * np.maximum(kept[0] - places, 0)
    return np.asarray(found + usual * np.maximum(places - kept[-1], 0), np.float64)


def _unevenness(times: Times) -> float:
    steps = np.diff(times)
    return float(np.abs(steps - np.median(steps)).sum())


def _never_falling(times: Times) -> Indices:
    """Return the indices of the longest run of known times that never fall."""
    lows: list[float] = []  # the least last time of a run of each length
    ends: list[int] = []
    before = np.full(len(times), -1, np.int64)
    for index, time in enumerate(times.tolist()):
        if time != time:
            continue
        length = bisect_right(lows, time)
        before[index] = ends[length - 1] if length else -1
        lows[length : length + 1], ends[length : length + 1] = [time], [index]
    found, index = [], ends[-1] if ends else -1
    while index >= 0:
        found.append(index)
        index = int(before[index])
    return np.array(found[::-1], np.int64)


def _distinct(times: Times, run: Indices) -> Indices:
    """Return a run with one index for each time."""
    values, first, count = np.unique(times[run], return_index=True, return_counts=True)
    if len(values) == 0:
        return run
    last = first + count - 1
    gaps = np.diff(values)
    room_before = np.concatenate([[0.0], gaps])
    room_behind = np.concatenate([gaps, [np.inf]])
    return run[np.where(room_before > room_behind, last, first)]
