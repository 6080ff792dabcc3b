"""Rank the database for each query and compare with the labels, in blocks of Q queries.

Hamming distances are counted (histogram) rather than sorted, one query at a time: only the answers
of the first ranks are sorted. Other distances are sorted, in blocks of bounded size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..retrieval.bitpack import U8
from ..retrieval.codes import Codes
from ..retrieval.hamming import Rows, Words, distances, nearest, to_words
from .distances import FAR, Distance, HammingDistance, Keys
from .protocol import Protocol
from .relevance import Relevance
from .ties import Counts

CELLS = 1 << 22  # queries x database videos that are sorted at once


@dataclass(frozen=True, slots=True)
class RankedBlock:
    """Ranking of a block of Q queries.

    Attributes:
        hits: Whether the answer at each rank is right; False past the last answer, (Q, K).
        totals: How many answers each group of equal distances has, the nearest group first; for
            Hamming distances 0, 1, 2, ..., else for the distances that occur, (Q, G).
        right: How many of them are right, (Q, G).
    """

    hits: npt.NDArray[np.bool_]
    totals: Counts
    right: Counts

    @property
    def relevant(self) -> Counts:
        """Return R, the right answers in the whole database, (Q,)."""
        relevant: Counts = self.right.sum(axis=1)
        return relevant


def rank_database(
    codes: Codes,
    protocol: Protocol,
    distance: Distance,
    *,
    ranks: int,
    block: int = 256,
) -> Iterator[RankedBlock]:
    """Rank the database for every query and compare with the labels.

    Args:
        codes: Codes of all videos, with labels.
        protocol: Queries and database.
        distance: What orders the database; equal distances are ordered by row.
        ranks: Number of ranks to compare with the labels.
        block: Largest number of queries in a block.

    Yields:
        The queries' answers, block by block, in the protocol's order.
    """
    labels, database = codes.labels, protocol.database
    relevance = Relevance(labels[database])
    own = own_places(protocol)
    if isinstance(distance, HammingDistance):
        words = to_words(codes.packed[database])
    else:
        block = max(1, min(block, CELLS // len(database)))
    for start in range(0, len(protocol.queries), block):
        rows, itself = protocol.queries[start : start + block], own[start : start + block]
        if isinstance(distance, HammingDistance):
            asked = to_words(codes.packed[rows])
            answers, *counts = _count(
                asked, labels[rows], itself, words, relevance, codes.bits, ranks
            )
            yield RankedBlock(relevance.right(labels[rows], answers), *counts)
        else:
            keys = distance.keys(codes, rows, database, itself)
            yield sort_keys(keys, relevance, labels[rows], ranks)


def sort_keys(keys: Keys, relevance: Relevance, wanted: U8, ranks: int) -> RankedBlock:
    """Rank by sorting whole numbers, equal ones by place.

    Args:
        keys: Of Q queries and N answers, (Q, N); :data:`.distances.FAR` is no answer.
        relevance: Labels of the database.
        wanted: The queries' labels, multi-hot, (Q, L).
        ranks: Number of ranks of ``hits``.
    """
    order = np.argsort(keys, axis=1, kind="stable")
    near = np.take_along_axis(keys, order, axis=1)
    found = near < FAR
    right = relevance.right(wanted, order) & found
    queries, count = keys.shape
    new = np.ones(keys.shape, bool)
    new[:, 1:] = near[:, 1:] != near[:, :-1]
    group = new.cumsum(axis=1) - 1 + count * np.arange(queries)[:, None]

    def counted(chosen: npt.NDArray[np.bool_]) -> Counts:
        return np.bincount(group[chosen], minlength=queries * count).reshape(queries, count)

    hits = np.zeros((queries, ranks), bool)
    hits[:, : min(ranks, count)] = right[:, :ranks]
    return RankedBlock(hits, counted(found), counted(right))


def own_places(protocol: Protocol) -> Rows:
    """Return where in the database each query is to be left out, -1 for nowhere, (Q,)."""
    if protocol.keeps_itself:
        return np.full(len(protocol.queries), -1)
    place = {int(row): i for i, row in enumerate(protocol.database)}
    return np.array([place.get(int(row), -1) for row in protocol.queries], np.int64)


def _count(
    queries: Words,
    labels: U8,
    own: Rows,
    database: Words,
    relevance: Relevance,
    bits: int,
    ranks: int,
) -> tuple[Rows, Counts, Counts]:
    """Return each query's answers, -1 past the last, and its counts by distance."""
    answers = np.full((len(own), ranks), -1)
    totals, right = np.zeros((2, len(own), bits + 1), np.int64)
    for i, itself in enumerate(own):
        found = distances(queries[:, i], database)
        if itself >= 0:
            found[itself] = bits + 1  # farther than any code can be
        counts = np.bincount(found, minlength=bits + 2)
        totals[i] = counts[:-1]
        right[i] = np.bincount(found[relevance.rows(labels[i])], minlength=bits + 2)[:-1]
        rows = nearest(found, min(ranks, len(found) - int(counts[-1])), counts)
        answers[i, : len(rows)] = rows
    return answers, totals, right
