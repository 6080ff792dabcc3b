"""Hamming indexes: a linear scan in numpy (the reference) and in faiss (the default)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .bitpack import U8, width
from .hamming import Rows, Words, distances, nearest, to_words

ANSWERS = 1 << 22  # of faiss that are held at once
FEW = 8  # queries that numpy has answered before faiss is imported and filled
MORE = 32  # answers that faiss is asked for beyond k: most ties at the cut end among them
_PIECE = 1 << 16  # codes that are looked through at once for ties
_TRIED = (1 << 16) + 500  # codes that show in which order the installed faiss answers


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
        check_width(codes, bits)
        self.bits = bits
        self._words = to_words(codes)

    def __len__(self) -> int:
        return len(self._words[0])

    def search(self, queries: U8, k: int) -> Neighbours:
        """See :meth:`HammingIndex.search`."""
        found = nothing_yet(self, queries, k)
        for i, query in enumerate(to_words(queries).T):
            row = distances(query, self._words)
            found.rows[i] = nearest(row, k, np.bincount(row, minlength=self.bits + 1))
            found.distances[i] = row[found.rows[i]]
        return found


class FaissFlat:
    """faiss's scan, the fast one.

    faiss promises the right distances, but not which of the rows that tie at its last distance it
    returns. Its scan keeps the lower ones, in the defined order; whether the faiss at hand does is
    tried once on codes that tie by the thousand (:func:`keeps_order`). One that does not has its
    ties put in order here.

    Args:
        codes: Packed codes, (N, ceil(bits / 8)).
        bits: K, any number.
        threads: For faiss, which otherwise takes every core and lets single queries spin.

    Raises:
        ValueError: If the codes are of another width.
    """

    def __init__(self, codes: U8, bits: int, *, threads: int = 1) -> None:
        import faiss  # a tenth of a second that `--help` does not need

        check_width(codes, bits)
        self.bits = bits
        self._faiss: Any = faiss
        self._threads = threads
        self._index: Any = faiss.IndexBinaryFlat(8 * width(bits))
        self._codes = np.ascontiguousarray(codes)
        self._words: Words | None = None
        self._index.add(self._codes)
        self._ordered = keeps_order(width(bits), threads)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, queries: U8, k: int) -> Neighbours:
        """See :meth:`HammingIndex.search`."""
        found = nothing_yet(self, queries, k)
        self._faiss.omp_set_num_threads(self._threads)
        block = max(1, ANSWERS // (2 * k + MORE))
        for start in range(0, len(queries) if len(self) else 0, block):
            part = slice(start, start + block)
            asked = np.ascontiguousarray(queries[part])
            answers = self._in_order(asked, k) if self._ordered else self._search_block(asked, k)
            found.distances[part], found.rows[part] = answers
        return found

    def _in_order(self, queries: U8, k: int) -> tuple[Any, Any]:
        found: tuple[Any, Any] = self._index.search(queries, min(k, len(self)))
        return found

    def _search_block(self, queries: U8, k: int) -> Neighbours:
        k = min(k, len(self))
        near, rows = self._index.search(queries, min(2 * k + MORE, len(self)))
        order = np.lexsort((rows, near))  # sorts each line by distance, then by row
        near, rows = np.take_along_axis(near, order, 1), np.take_along_axis(rows, order, 1)
        whole = near.shape[1] == len(self)
        for i in np.flatnonzero(near[:, k - 1] == near[:, -1]) if not whole else ():
            cut = near[i, k - 1]
            below = int(np.searchsorted(near[i], cut))
            rows[i, below:k] = self._first_at(queries[i], int(cut), k - below)
        return Neighbours(near[:, :k], rows[:, :k])

    def _first_at(self, query: U8, distance: int, count: int) -> Rows:
        """Return the first ``count`` rows at a distance, of which there are at least as many."""
        if self._words is None:
            self._words = to_words(self._codes)
        word, found = to_words(query[None])[:, 0], np.empty(0, np.int64)
        for start in range(0, len(self), _PIECE):
            piece = distances(word, self._words[:, start : start + _PIECE])
            found = np.concatenate([found, start + np.flatnonzero(piece == distance)])
            if len(found) >= count:
                break
        return found[:count]


@lru_cache
def keeps_order(size: int, threads: int) -> bool:
    """Return whether the installed faiss answers in the order (distance, row), also at the cut.

    A few codes of few different distances are searched, more than one block of faiss's (65,536).

    Args:
        size: Bytes of a code.
        threads: For faiss.

    Example:
        >>> keeps_order(8, 1)
        True
    """
    import faiss

    rng = np.random.default_rng(0)
    codes = np.zeros((_TRIED, size), np.uint8)
    codes[:, 0] = rng.integers(0, 256, _TRIED)
    index = faiss.IndexBinaryFlat(8 * size)
    index.add(codes)
    faiss.omp_set_num_threads(threads)
    near, rows = index.search(codes[:4], 1500)
    words = to_words(codes)
    for query, line, found in zip(words[:, :4].T, near, rows, strict=True):
        plain = distances(query, words)
        expected = nearest(plain, len(found), np.bincount(plain, minlength=9))
        if not (np.array_equal(found, expected) and np.array_equal(line, plain[expected])):
            return False
    return True


def check_width(codes: U8, bits: int) -> None:
    """Refuse codes that are not of K bits.

    Raises:
        ValueError: If they are of another width.
    """
    if bits < 1 or codes.ndim != 2 or codes.shape[1] != width(bits):
        raise ValueError(f"codes of {bits} bits are (N, {width(bits)}), not {codes.shape}")


def nothing_yet(index: HammingIndex, queries: U8, k: int) -> Neighbours:
    """Return room for the answers to Q queries.

    Raises:
        ValueError: If ``k`` is below 1 or the queries are of another width.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    check_width(queries, index.bits)
    shape = len(queries), min(k, len(index))
    return Neighbours(np.empty(shape, np.int32), np.empty(shape, np.int64))
