"""Hamming indexes: a linear scan in numpy (the reference) and in faiss (the default)."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .bitpack import U8, width
from .hamming import Rows, distances, nearest, to_words

CELLS = 1 << 22  # queries x database codes that are scanned at once


class Neighbours(NamedTuple):
    """The answers to Q queries, nearest first, equal distances by row.

    Attributes:
        distances: Hamming distances, (Q, min(k, N)).
        rows: Rows of the database, (Q, min(k, N)).
    """

    distances: npt.NDArray[np.int32]
    rows: Rows


class HammingIndex(Protocol):
    """N packed codes that can be searched.

    Attributes:
        bits: K, the length of a code.
    """

    bits: int

    def __len__(self) -> int: ...

    def search(self, queries: U8, k: int) -> Neighbours:
        """Return the k nearest codes of each query in the order (distance, row).

        Args:
            queries: Packed codes, (Q, ceil(bits / 8)).
            k: Number of answers; all N when there are fewer, none when the index is empty.

        Raises:
            ValueError: If ``k`` is below 1 or the queries are of another width.
        """
        ...


class NumpyFlat:
    """Linear scan in numpy.

    Args:
        codes: Packed codes, (N, ceil(bits / 8)).
        bits: K.

    Raises:
        ValueError: If the codes are of another width.
    """

    def __init__(self, codes: U8, bits: int) -> None:
        _check_width(codes, bits)
        self.bits = bits
        self._words = to_words(codes)

    def __len__(self) -> int:
        return len(self._words[0])

    def search(self, queries: U8, k: int) -> Neighbours:
        """See :meth:`HammingIndex.search`."""
        found = _nothing_yet(self, queries, k)
        for i, query in enumerate(to_words(queries).T):
            row = distances(query, self._words)
            found.rows[i] = nearest(row, k, np.bincount(row, minlength=self.bits + 1))
            found.distances[i] = row[found.rows[i]]
        return found


class FaissFlat:
    """faiss's scan, the fast one; its ties are put into the defined order here.

    faiss promises the right distances, but not which of the rows that tie at the k-th distance
    it returns. Where the (k+1)-th ties with the k-th, all rows up to that distance are fetched.

    Args:
        codes: Packed codes, (N, ceil(bits / 8)).
        bits: K, any number.
        threads: For faiss, which otherwise takes every core and lets single queries spin.

    Raises:
        ValueError: If the codes are of another width.
    """

    def __init__(self, codes: U8, bits: int, *, threads: int = 1) -> None:
        import faiss  # a tenth of a second that `--help` does not need

        _check_width(codes, bits)
        self.bits = bits
        self._faiss: Any = faiss
        self._threads = threads
        self._index: Any = faiss.IndexBinaryFlat(8 * width(bits))
        self._index.add(np.ascontiguousarray(codes))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, queries: U8, k: int) -> Neighbours:
        """See :meth:`HammingIndex.search`."""
        found = _nothing_yet(self, queries, k)
        self._faiss.omp_set_num_threads(self._threads)
        block = max(1, CELLS // max(1, len(self)))
        for start in range(0, len(queries) if len(self) else 0, block):
            part = slice(start, start + block)
            answers = self._search_block(np.ascontiguousarray(queries[part]), k)
            found.distances[part], found.rows[part] = answers
        return found

    def _search_block(self, queries: U8, k: int) -> Neighbours:
        k = min(k, len(self))
        near, rows = self._index.search(queries, min(k + 1, len(self)))
        order = np.lexsort((rows, near))  # sorts each line by distance, then by row
        near, rows = np.take_along_axis(near, order, 1), np.take_along_axis(rows, order, 1)
        cut = near[:, k - 1]
        tied = near[:, k] == cut if near.shape[1] > k else np.zeros(len(near), bool)
        for radius in np.unique(cut[tied]):
            these = np.flatnonzero(tied & (cut == radius))
            near[these, :k], rows[these, :k] = self._within(queries[these], int(radius), k)
        return Neighbours(near[:, :k], rows[:, :k])

    def _within(self, queries: U8, radius: int, k: int) -> Neighbours:
        """Return the first k of all rows up to a distance that holds at least k for each query."""
        ends, near, rows = self._index.range_search(queries, radius + 1)  # faiss keeps d < radius
        near = near.astype(np.int32)
        line = np.repeat(np.arange(len(queries)), np.diff(ends.astype(np.int64)))
        order = np.lexsort((rows, near, line))
        first = ends[:-1].astype(np.int64)[:, None] + np.arange(k)  # (Q, k)
        return Neighbours(near[order][first], rows[order][first])


def _check_width(codes: U8, bits: int) -> None:
    if bits < 1 or codes.ndim != 2 or codes.shape[1] != width(bits):
        raise ValueError(f"codes of {bits} bits are (N, {width(bits)}), not {codes.shape}")


def _nothing_yet(index: HammingIndex, queries: U8, k: int) -> Neighbours:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    _check_width(queries, index.bits)
    shape = len(queries), min(k, len(index))
    return Neighbours(np.empty(shape, np.int32), np.empty(shape, np.int64))
