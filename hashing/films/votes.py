"""Votes: the film windows nearest to each window of a clip say where in which film it may be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..matching.records import F32, F64
from ..retrieval.window_spans import STEP

APART = 2.0  # seconds between two places of one film
_SHIFT = 1 << 32  # keeps places of different films apart


class VotedPlace(NamedTuple):
    """Where a clip may be.

    Attributes:
        row: Of the film.
        middle: Second of the film that the middle of the clip shows.
        votes: Sum of the votes.
    """

    row: int
    middle: float
    votes: float


def count_votes(
    weights: F32,
    rows: npt.NDArray[np.integer],
    starts: F64,
    query_starts: F64,
    middle: float,
    *,
    speeds: tuple[float, ...],
    most: int,
) -> list[VotedPlace]:
    """Return the places with the most votes, the first at the front.

    Each of a clip's Q windows votes for the places of its k nearest film windows, once for each
    speed. A place counts its votes at the speed where they are most, within half a second.

    Args:
        weights: Of each vote, (Q, k).
        rows: Film of each nearest window, (Q, k); negative where there is none.
        starts: Second of each nearest window in its film, (Q, k).
        query_starts: Second of each window in the clip, (Q,).
        middle: Of the clip, in seconds.
        speeds: Seconds of the film a second of the clip.
        most: How many places there may be.
    """
    valid = rows.ravel() >= 0
    films = rows.ravel()[valid].astype(np.int64)
    weight = np.maximum(weights.ravel()[valid], 0).astype(np.float64)
    best: dict[int, float] = {}
    for speed in speeds:
        middles = (starts + speed * (middle - query_starts)[:, None]).ravel()[valid]
        keys = films * _SHIFT + np.rint(middles / STEP).astype(np.int64) + (_SHIFT >> 1)
        places, at = np.unique(keys, return_inverse=True)
        sums = np.bincount(at, weight)
        total = sums.copy()
        for side in (-1, 1):
            near = np.minimum(np.searchsorted(places, places + side), len(places) - 1)
            total += np.where(places[near] == places + side, sums[near], 0)
        for key, votes in zip(places.tolist(), total.tolist(), strict=True):
            if votes > best.get(key, 0.0):
                best[key] = votes
    found: list[VotedPlace] = []
    for key, votes in sorted(best.items(), key=lambda item: (-item[1], item[0])):
        row, place = divmod(key, _SHIFT)
        second = (place - (_SHIFT >> 1)) * STEP
        if all(other.row != row or abs(other.middle - second) >= APART for other in found):
            found.append(VotedPlace(row, second, votes))
            if len(found) == most:
                break
    return found
