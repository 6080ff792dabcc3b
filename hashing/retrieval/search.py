"""The nearest videos of some queries, each without itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .bitpack import U8
from .index import HammingIndex


@dataclass(frozen=True, slots=True)
class Answer:
    """One video that was found.

    Attributes:
        rank: From 1, the nearest first.
        distance: Bits in which its code differs from the query's.
        row: Its row in the store.
    """

    rank: int
    distance: int
    row: int


def search(
    index: HammingIndex, queries: U8, k: int, *, left_out: Sequence[Collection[int]]
) -> list[list[Answer]]:
    """Return the k nearest videos of each query in the order (distance, row).

    Args:
        index: The codes to search, row by row those of a store.
        queries: Packed codes, (Q, ceil(bits / 8)).
        k: How many answers; fewer come back if there are no more videos.
        left_out: For each query, rows that are no answers: its own, usually.

    Returns:
        For each query its answers, nearest first.

    Raises:
        ValueError: If ``k`` is below 1, or ``left_out`` is not one collection a query.

    Example:
        >>> import numpy as np
        >>> from chainpipe.hashing.retrieval.index import NumpyFlat
        >>> codes = np.array([[0b000], [0b111], [0b001]], np.uint8)
        >>> search(NumpyFlat(codes, 3), codes[:1], 2, left_out=[{0}])
        [[Answer(rank=1, distance=1, row=2), Answer(rank=2, distance=3, row=1)]]
    """
    most = max((len(rows) for rows in left_out), default=0)
    found = index.search(queries, k + most)
    answers = []
    for near, rows, own in zip(found.distances, found.rows, left_out, strict=True):
        pairs = [(int(d), int(r)) for d, r in zip(near, rows, strict=True) if int(r) not in own]
        answers.append([Answer(i, d, r) for i, (d, r) in enumerate(pairs[:k], start=1)])
    return answers
