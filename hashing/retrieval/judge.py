"""Which answers are right: every query's ranking against the labels, in blocks of queries.

Memory is one line of N numbers a query and small tables a block, never N x N.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashing.retrieval.hamming import Distances, Rows, Words, distances, nearest, to_words
from hashing.retrieval.metrics import Counts
from hashing.retrieval.packing import U8
from hashing.retrieval.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Judged:
    """What a block of Q queries found.

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


class Relevance:
    """For each label, the rows that have it: a query's right answers without an N x N table.

    Args:
        labels: Multi-hot, (N, C).
    """

    def __init__(self, labels: U8) -> None:
        self._n = len(labels)
        self._rows = [np.flatnonzero(column) for column in labels.T]

    def of(self, wanted: U8) -> npt.NDArray[np.bool_]:
        """Return which rows share a label with a query, (N,).

        Args:
            wanted: The query's labels, multi-hot, (C,).
        """
        shared = np.zeros(self._n, bool)
        for label in np.flatnonzero(wanted):
            shared[self._rows[label]] = True
        return shared


def judge(
    codes: U8, bits: int, labels: U8, protocol: Protocol, *, ranks: int, block: int = 256
) -> Iterator[Judged]:
    """Rank the database for every query and compare with the labels.

    Args:
        codes: Packed codes of all videos, (N, ceil(bits / 8)).
        bits: K, the length of a code.
        labels: Multi-hot, (N, C).
        protocol: Who asks and who is searched.
        ranks: How many ranks to look at.
        block: Queries at a time.

    Yields:
        The queries' answers, block by block, in the protocol's order.
    """
    database = to_words(codes[protocol.database])
    relevance = Relevance(labels[protocol.database])
    place = {int(row): i for i, row in enumerate(protocol.database)}
    for start in range(0, len(protocol.queries), block):
        rows = protocol.queries[start : start + block]
        itself = [place.get(int(row)) for row in rows]
        yield _judge_block(
            to_words(codes[rows]), labels[rows], itself, database, relevance, bits, ranks
        )


def _judge_block(
    queries: Words,
    labels: U8,
    itself: list[int | None],
    database: Words,
    relevance: Relevance,
    bits: int,
    ranks: int,
) -> Judged:
    size = len(itself)
    hits = np.zeros((size, ranks), bool)
    totals, right = np.zeros((2, size, bits + 1), np.int64)
    for i, own in enumerate(itself):
        found = distances(queries[:, i], database)
        shared = relevance.of(labels[i])
        if own is not None:
            found[own], shared[own] = bits + 1, False  # farther than any code can be
        rows, totals[i] = _ranked(found, bits, ranks)
        right[i] = np.bincount(found[shared], minlength=bits + 1)
        hits[i, : len(rows)] = shared[rows]
    return Judged(hits, totals, right)


def _ranked(found: Distances, bits: int, ranks: int) -> tuple[Rows, Counts]:
    counts = np.bincount(found, minlength=bits + 2)
    others = len(found) - int(counts[-1])
    return nearest(found, min(ranks, others), counts), counts[:-1]
