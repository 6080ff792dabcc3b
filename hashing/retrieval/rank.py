"""Order the answers to queries by one of the distances, without the rows that are left out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..models.hasher import F32
from .asymmetric import search_asymmetric
from .bitpack import U8
from .distance_names import ASYMMETRIC, HAMMING, RERANK
from .hamming import Rows
from .index import HammingIndex
from .rerank import DEPTH, rerank

LeftOut = Sequence[Collection[int]]


class Ranked(NamedTuple):
    """The first answers to one query in the order (distance, row).

    Attributes:
        distances: In the unit of the distance, (n,).
        rows: Rows of the store, (n,).
        whole: Whether these are all there are.
    """

    distances: npt.NDArray[np.float64]
    rows: Rows
    whole: bool


class Ranker(Protocol):
    """Orders the videos of a database for Q queries.

    Attributes:
        name: Of the distance.
    """

    name: str

    def first(self, queries: Sequence[int], count: int) -> list[Ranked]:
        """Return the first answers to some queries: at least ``count``, where there are so many."""
        ...


class HammingRanker:
    """By the number of bits that differ.

    Args:
        index: The codes that are searched.
        rows: Their rows in the store, ascending; by default 0, 1, 2, ...
        codes: Packed codes of the queries, (Q, bytes).
        left_out: Rows that are no answers to each query.
    """

    name = HAMMING

    def __init__(
        self, index: HammingIndex, codes: U8, *, rows: Rows | None, left_out: LeftOut
    ) -> None:
        self._index, self._codes, self._rows, self._left_out = index, codes, rows, left_out

    def first(self, queries: Sequence[int], count: int) -> list[Ranked]:
        """See :meth:`Ranker.first`."""
        if not queries or not len(self._index):
            return [_nothing() for _ in queries]
        most = max(len(self._left_out[query]) for query in queries)
        found = self._index.search(self._codes[list(queries)], count + most)
        whole = count + most >= len(self._index)
        lines = zip(queries, found.distances, found.rows, strict=True)
        return [
            _without(self._left_out[query], near, self._stored(rows), whole)
            for query, near, rows in lines
        ]

    def _stored(self, places: Rows) -> Rows:
        if self._rows is None:
            return places
        return np.where(places < 0, places, self._rows[places])


class AsymmetricRanker:
    """By the queries' real values against stored bits.

    Args:
        codes: Packed codes that are searched, (N, bytes).
        bits: K.
        values: Of the queries, (Q, K).
        scale: Magnitude of each bit's values, (K,).
        rows: As for :class:`HammingRanker`; so is ``left_out``.
        left_out: Rows that are no answers to each query.
    """

    name = ASYMMETRIC

    def __init__(
        self,
        codes: U8,
        bits: int,
        values: F32,
        *,
        scale: F32 | None,
        rows: Rows | None,
        left_out: LeftOut,
    ) -> None:
        self._codes, self._bits, self._values, self._scale = codes, bits, values, scale
        self._rows, self._left_out = rows, left_out

    def first(self, queries: Sequence[int], count: int) -> list[Ranked]:
        """See :meth:`Ranker.first`."""
        answers = []
        for query in queries:
            own = self._left_out[query]
            near, places = search_asymmetric(
                self._values[query][None],
                self._codes,
                self._bits,
                count + len(own),
                scale=self._scale,
            )
            rows = places[0] if self._rows is None else self._rows[places[0]]
            answers.append(_without(own, near[0], rows, len(rows) == len(self._codes)))
        return answers


class Reranker:
    """The first answers by Hamming distance, by cosine of mean features.

    Args:
        first: By Hamming distance.
        means: Mean features of the queries, (Q, D).
        means_of: Returns mean features of rows of the store, (n, D).
        centre: Of the database, (D,).
        always: Rows that are ordered, too, for each query: its exact copies.
    """

    name = RERANK

    def __init__(
        self,
        first: HammingRanker,
        means: F32,
        *,
        means_of: Callable[[Rows], F32],
        centre: F32,
        always: Sequence[Sequence[int]],
    ) -> None:
        self._first, self._means, self._always = first, means, always
        self._means_of, self._centre = means_of, centre

    def first(self, queries: Sequence[int], count: int) -> list[Ranked]:
        """See :meth:`Ranker.first`."""
        depth = max(DEPTH, count)
        answers = []
        for query, near in zip(queries, self._first.first(queries, depth), strict=True):
            chosen = np.union1d(near.rows[:depth], np.array(self._always[query], np.int64))
            if not len(chosen):
                answers.append(_nothing())
                continue
            found = rerank(self._means[query], chosen, self._means_of, self._centre)
            answers.append(Ranked(*found, near.whole and len(near.rows) <= depth))
        return answers


def _without(
    own: Collection[int], near: npt.NDArray[np.generic], rows: Rows, whole: bool
) -> Ranked:
    """Leave out rows, and places without an answer."""
    kept = rows >= 0
    for row in own:
        kept &= rows != row
    return Ranked(near[kept].astype(np.float64), rows[kept], whole)


def _nothing() -> Ranked:
    return Ranked(np.empty(0), np.empty(0, np.int64), True)


def similarity(name: str, distance: float, bits: int) -> float:
    """Return how alike a query and an answer are: the cosine of what is compared, at least 0.

    Of codes that is the cosine of vectors of -1 and 1, of ``rerank`` that of centred mean features.

    Args:
        name: Of the distance.
        distance: In its unit.
        bits: K.

    Example:
        >>> similarity("hamming", 8, 64), similarity("rerank", 0.25, 64)
        (0.75, 0.75)
    """
    cosine = 1 - (distance if name == RERANK else 2 * distance / bits)
    return min(1.0, max(0.0, cosine))


def answers_of(
    ranker: Ranker,
    k: int,
    *,
    copies: Sequence[Sequence[int]],
    within: float | None = None,
    is_gone: Callable[[int], bool] = lambda row: False,
) -> tuple[list[Ranked], int]:
    """Return at most k answers to each query, and how many were passed over as gone.

    Args:
        ranker: Orders the videos.
        k: Number of answers.
        copies: For each query the rows with its very bytes, which have distance 0: they are
            answers, whatever else lies at distance 0.
        within: Largest distance of an answer.
        is_gone: Whether the file of a row is gone.
    """
    found: dict[int, Ranked] = {}
    gone: set[int] = set()
    waiting, count = list(range(len(copies))), k
    while waiting:
        again = []
        for query, ranked in zip(waiting, ranker.first(waiting, count), strict=True):
            kept, ended = _kept(ranked, k, within, is_gone, gone)
            if len(kept) < k and not ended:
                again.append(query)
            found[query] = _with_copies(ranked, kept, k, copies[query], is_gone)
        waiting, count = again, 4 * count
    return [found[query] for query in range(len(copies))], len(gone)


def _kept(
    ranked: Ranked,
    k: int,
    within: float | None,
    is_gone: Callable[[int], bool],
    gone: set[int],
) -> tuple[list[int], bool]:
    """Return the places of the first k answers that are there, and whether no others can come."""
    kept: list[int] = []
    for place, row in enumerate(ranked.rows.tolist()):
        if len(kept) == k or (within is not None and ranked.distances[place] > within):
            return kept, True
        if is_gone(row):
            gone.add(row)
        else:
            kept.append(place)
    return kept, ranked.whole


def _with_copies(
    ranked: Ranked, kept: list[int], k: int, copies: Sequence[int], is_gone: Callable[[int], bool]
) -> Ranked:
    """Put exact copies in, in the place of the last answers where there are k already."""
    lines = {int(ranked.rows[place]): float(ranked.distances[place]) for place in kept}
    exact = sorted(row for row in copies if not is_gone(row))[:k]
    others = [row for row in lines if row not in set(exact)][: k - len(exact)]
    chosen = {row: lines.get(row, 0.0) for row in (*exact, *others)}
    order = sorted(chosen, key=lambda row: (chosen[row], row))
    distances = np.array([chosen[row] for row in order], np.float64)
    return Ranked(distances, np.array(order, np.int64), ranked.whole)
