"""Which queries a picture shows: some that are answered well, some that are not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..retrieval.codes import Codes
from ..retrieval.index import FaissFlat
from ..retrieval.search import search


def right_answers(codes: Codes, k: int) -> npt.NDArray[np.int64]:
    """Return how many of each video's k nearest others share a label with it, (N,)."""
    own = [{row} for row in range(len(codes))]
    found = search(FaissFlat(codes.packed, codes.bits), codes.packed, k, left_out=own)
    shares = [
        sum(bool((codes.labels[row] & codes.labels[answer.row]).any()) for answer in answers)
        for row, answers in enumerate(found)
    ]
    return np.array(shares, np.int64)


def example_rows(
    right: npt.NDArray[np.int64], kinds: npt.NDArray[np.int64], count: int
) -> list[int]:
    """Return rows for a picture: half with the most right answers, half with fewer, worst last.

    Both halves are taken at even steps, the first through the classes, the second from many right
    answers to few; where one has too few rows the other gives more.

    Args:
        right: Right answers of each video, (N,).
        kinds: Number of each video's class, (N,).
        count: How many rows; fewer come back if there are no more.

    Example:
        >>> right, kinds = np.array([5, 5, 0, 5, 3, 5]), np.array([0, 0, 0, 1, 1, 2])
        >>> example_rows(right, kinds, 4)
        [0, 5, 4, 2]
    """
    best = right == right.max(initial=0)
    good, others = np.flatnonzero(best), np.flatnonzero(~best)
    good = good[np.argsort(kinds[good], kind="stable")]
    others = others[np.argsort(-right[others], kind="stable")]
    bad = min(len(others), max(count // 2, count - len(good)))
    return [*_evenly(good, count - bad), *_evenly(others, bad)]


def _evenly(rows: npt.NDArray[np.int64], count: int) -> list[int]:
    """Return up to ``count`` of the rows at even steps, the last among them."""
    count = min(count, len(rows))
    places = np.linspace(0, len(rows) - 1, count) if count > 1 else np.full(count, len(rows) - 1)
    return [int(row) for row in rows[places.round().astype(int)]]
