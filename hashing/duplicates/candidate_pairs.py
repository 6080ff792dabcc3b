"""Which contents are compared: the nearest of each, by codes or by mean features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..matching.candidates import pairs_by_codes, pairs_by_vectors
from ..matching.records import F32
from ..retrieval.bitpack import U8


def nearest_pairs(
    names: Sequence[int],
    others: Sequence[int] | None,
    *,
    means: F32,
    codes: U8 | None = None,
    threads: int = 1,
) -> npt.NDArray[np.int64]:
    """Return the pairs of contents that are worth a comparison, (P, 2) names, none twice.

    Args:
        names: Of the contents, n of them.
        others: Of those in a second store, m of them, if pairs across two stores are wanted.
        means: Mean features of all n (and then m) contents as unit vectors, (n + m, M).
        codes: Their packed codes, (n + m, bytes); with codes they give the pairs, not the means.
        threads: Of the search.
    """
    n = len(names)
    if n == 0 or (others is not None and not len(others)):
        return np.empty((0, 2), np.int64)
    if codes is not None:
        halves = codes[:n], None if others is None else codes[n:]
        found = pairs_by_codes(*halves, threads=threads)
    else:
        parts = means[:n], None if others is None else means[n:]
        found = pairs_by_vectors(*parts, threads=threads)
    left = np.asarray(names, np.int64)
    right = left if others is None else np.asarray(others, np.int64)
    named = np.stack([left[found[:, 0]], right[found[:, 1]]], axis=1)
    named = np.sort(named[named[:, 0] != named[:, 1]], axis=1)  # a content may be in both stores
    return np.unique(named, axis=0)


def nearest_of_each(
    pairs: npt.NDArray[np.int64], likeness: npt.NDArray[np.floating], count: int
) -> npt.NDArray[np.bool_]:
    """Return which pairs are among the few likest ones of one of their two members, (P,).

    Args:
        pairs: Names, (P, 2).
        likeness: Of each pair, (P,).
        count: Pairs of each member.

    Example:
        >>> pairs = np.array([[0, 1], [0, 2], [1, 2], [2, 3]])
        >>> nearest_of_each(pairs, np.array([0.9, 0.1, 0.8, 0.7]), 1)
        array([ True, False,  True,  True])
    """
    chosen = np.zeros(len(pairs), bool)
    if len(pairs):
        members = pairs.T.ravel()  # those of the left, then those of the right
        order = np.lexsort((-np.tile(likeness, 2), members))
        places = np.arange(len(order))
        starts = np.where(np.diff(members[order], prepend=-1) > 0, places, 0)
        among = order[places - np.maximum.accumulate(starts) < count]
        chosen[among % len(pairs)] = True
    return chosen
