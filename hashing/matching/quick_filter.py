"""A cheap filter before the second check: is there any line along which two videos change alike?

All lines of all pairs of a block are read by one matrix product: the correlation of frames, each
video's mean taken away, in few directions, times the weights of some hundred lines.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .records import F32

DIRECTIONS = 32  # the first of the space: those of the most variance
LIKELY = 0.19  # score from which a pair is worth a check
SURE = 0.35  # score from which it is, however many other pairs its videos have
MOST = 750_000  # less likely pairs that are checked in all, about: 25 CPU minutes
_SLOPES = (0.36, 0.5, 0.64, 0.8, 0.9, 1.0, 1.11, 1.25, 1.56, 2.0, 2.8)
_GRID = 2.0  # frames between lines of one slope
_OVERLAP = 0.3  # of the shorter video that a line covers at least
_PAIRS = 2048  # at a time

Moved = npt.NDArray[np.float16]
Pairs = npt.NDArray[np.int64]


def likely(
    moved: Moved, pairs: Pairs, others: Moved | None = None, *, least: float = LIKELY
) -> Pairs:
    """Return the pairs that are worth a check, (p, 2), in their order.

    Those whose best line is likely: all sure ones, and of the others the best of each video, as
    many as keeps a library's cost within bounds: all of them up to 15,000 videos.

    Args:
        moved: Of :func:`moving`, (N, T, 32).
        pairs: Rows, (P, 2).
        others: Of a second library, (B, T, 32), whose rows the second column is of.
        least: Score of the least likely ones; lower where pixels are looked at, too.
    """
    scores = line_scores(moved, pairs, others)
    most = max(1, MOST // max(len(moved), 1))
    kept = scores >= SURE
    for column in (0, 1):
        order = np.lexsort((-scores, pairs[:, column]))
        rows = pairs[order, column]
        starts = (
            np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]]) if len(rows) else np.empty(0, int)
        )
        counts = np.diff(np.r_[starts, len(rows)])
        place = np.arange(len(rows)) - np.repeat(starts, counts)
        kept[order[place < most]] |= scores[order[place < most]] >= least
    return pairs[kept]


def moving(frames: npt.NDArray[np.floating]) -> Moved:
    """Return what moves in videos (n, T, M) in few directions, (n, T, 32), for :func:`line_scores`.

    Each video's mean is taken away, and its mean frame has length 1.
    """
    few = frames[..., :DIRECTIONS].astype(np.float32)
    few = few - few.mean(axis=1, keepdims=True)
    # A cut or a single odd frame must not hide the rest.
    sizes = np.linalg.norm(few, axis=2, keepdims=True)
    few = few * np.minimum(1, 1.5 * np.median(sizes, axis=1, keepdims=True) / (sizes + 1e-9))
    total = np.sqrt(np.square(few).sum(axis=(1, 2), keepdims=True) / few.shape[1])
    return np.asarray(few / np.maximum(total, 1e-9), np.float16)


def line_scores(moved: Moved, pairs: Pairs, others: Moved | None = None) -> F32:
    """Return the score of the best line of each pair, about -1 to 1.

    Args:
        moved: Of :func:`moving`, (N, T, 32).
        pairs: Rows, (P, 2).
        others: Of a second library, (B, T, 32), whose rows the second column is of.
    """
    second = moved if others is None else others
    weights = _line_weights(moved.shape[1], second.shape[1])
    found = np.empty(len(pairs), np.float32)
    for start in range(0, len(pairs), _PAIRS):
        block = pairs[start : start + _PAIRS]
        a = moved[block[:, 0]].astype(np.float32)
        b = second[block[:, 1]].astype(np.float32)
        matrix = (a @ b.transpose(0, 2, 1)).reshape(len(block), -1)  # (P, Ta Tb)
        found[start : start + len(block)] = (matrix @ weights).max(axis=1)
    return found


@lru_cache(maxsize=8)
def _line_weights(rows: int, columns: int) -> F32:
    """Return how much each pair of frames counts for each line, (Ta Tb, L).

    A line is a mean over its frames times the root of the part of the shorter video it covers.
    """
    lines = []
    at = np.arange(rows)
    for slope in _SLOPES:
        slope_here = slope * columns / rows
        low, high = -slope_here * rows, float(columns)
        for offset in np.arange(low, high, _GRID):
            place = offset + slope_here * (at + 0.5) - 0.5
            inside = (place > -0.5) & (place < columns - 0.5)
            covered = (
                inside.sum() * max(1.0, slope_here) / min(rows * max(1.0, slope_here), columns)
            )
            if inside.sum() < 3 or covered < _OVERLAP:
                continue
            line = np.zeros((rows, columns), np.float32)
            before = np.clip(np.floor(place[inside]).astype(np.int64), 0, columns - 1)
            after = np.minimum(before + 1, columns - 1)
            part = np.clip(place[inside] - before, 0, 1)
            line[at[inside], before] += 1 - part
            line[at[inside], after] += part
            lines.append(line.ravel() * (np.sqrt(min(1.0, covered)) / inside.sum()))
    return np.stack(lines, axis=1)
