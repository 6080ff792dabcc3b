"""Rank the database for each query and compare with the labels, in blocks of Q queries.

Memory is N distances of one query and small tables of a block, never Q x N. Distances are counted
(histogram) rather than sorted: only the answers of the first ranks are sorted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..retrieval.bitpack import U8
from ..retrieval.hamming import Rows, Words, distances, nearest, to_words
from .protocol import Protocol
from .relevance import Relevance
from .ties import Counts


@dataclass(frozen=True, slots=True)
class RankedBlock:
    """Ranking of a block of Q queries.

    Attributes:
        hits: Whether the answer at each rank is right; False past the last answer, (Q, K).
        totals: How many answers have distance 0, 1, 2, ..., (Q, bits + 1).
        right: How many of them are right, (Q, bits + 1).
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
    codes: U8, bits: int, labels: U8, protocol: Protocol, *, ranks: int, block: int = 256
) -> Iterator[RankedBlock]:
    """Rank the database for every query and compare with the labels.

    Args:
        codes: Packed codes of all videos, (B, ceil(bits / 8)).
        bits: K, the length of a code.
        labels: Multi-hot labels, (B, L) uint8.
        protocol: Queries and database.
        ranks: Number of ranks to compare with the labels.
        block: Number of queries in a block.

    Yields:
        The queries' answers, block by block, in the protocol's order.
    """
    database = to_words(codes[protocol.database])
    relevance = Relevance(labels[protocol.database])
    own = _own_places(protocol)
    for start in range(0, len(protocol.queries), block):
        part = slice(start, start + block)
        rows = protocol.queries[part]
        counted = _count(
            to_words(codes[rows]), labels[rows], own[part], database, relevance, bits, ranks
        )
        yield RankedBlock(relevance.right(labels[rows], counted[0]), *counted[1:])


def _own_places(protocol: Protocol) -> Rows:
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
