"""Search the nearest videos of queries, each without itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .bitpack import U8
from .index import HammingIndex, Neighbours


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


def search_others(index: HammingIndex, queries: U8, k: int, *, ids: U8, own: U8) -> Neighbours:
    """Return the k nearest codes of each query, without the rows of its own video.

    Args:
        index: B codes.
        queries: Packed codes, (Q, ceil(bits / 8)).
        k: How many answers.
        ids: Ids of the B videos, (B, 32).
        own: Ids of the queries' videos, (Q, 32).

    Returns:
        (Q, min(k, B)) each; -1 where there is no further answer.
    """
    mine, asking = _numbers(ids, own)
    copies = np.bincount(mine, minlength=asking.max(initial=0) + 1)[asking].max(initial=0)
    found = index.search(queries, k + int(copies))
    is_own = mine[found.rows] == asking[:, None]  # (Q, k + copies)
    order = np.argsort(is_own, axis=1, kind="stable")[:, : min(k, len(index))]
    left = np.take_along_axis(is_own, order, axis=1)
    distances = np.take_along_axis(found.distances, order, axis=1)
    rows = np.take_along_axis(found.rows, order, axis=1)
    distances[left], rows[left] = -1, -1
    return Neighbours(distances, rows)


def _numbers(ids: U8, own: U8) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Number the different ids of two lists, (B, 32) and (Q, 32)."""
    both = np.concatenate([ids, own])
    numbers = np.unique(both, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return numbers[: len(ids)], numbers[len(ids) :]
