"""Hamming indexes: a linear scan in numpy (the reference) and in faiss (the default)."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .bitpack import U8, width
from .hamming import Rows, Words, distances, nearest, to_words

ANSWERS = 1 << 22  # of faiss that are held at once
FEW = 8  # queries that numpy has answered before faiss is imported and filled
MORE = 32  # answers that faiss is asked for beyond k: most ties at the cut end among them
_PIECE = 1 << 16  # codes that are looked through at once for ties


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

    faiss promises the right distances, but not which of the rows that tie at its last distance
    it returns. Where the k-th answer ties with that, the first rows of this distance are looked
    for from the start of the codes, and found soon: they are many.

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
        self._codes = np.ascontiguousarray(codes)
        self._words: Words | None = None
        self._index.add(self._codes)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, queries: U8, k: int) -> Neighbours:
        """See :meth:`HammingIndex.search`."""
        found = _nothing_yet(self, queries, k)
        self._faiss.omp_set_num_threads(self._threads)
        block = max(1, ANSWERS // (2 * k + MORE))
        for start in range(0, len(queries) if len(self) else 0, block):
            part = slice(start, start + block)
            answers = self._search_block(np.ascontiguousarray(queries[part]), k)
            found.distances[part], found.rows[part] = answers
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


def flat_index(codes: U8, bits: int, *, queries: int) -> HammingIndex:
    """Return the index that answers this many queries in the shortest time, import included.

    Args:
        codes: Packed codes, (N, ceil(bits / 8)).
        bits: K.
        queries: How many there will be.

    Raises:
        ValueError: If the codes are of another width.
    """
    return NumpyFlat(codes, bits) if queries <= FEW else FaissFlat(codes, bits)


def _check_width(codes: U8, bits: int) -> None:
    if bits < 1 or codes.ndim != 2 or codes.shape[1] != width(bits):
        raise ValueError(f"codes of {bits} bits are (N, {width(bits)}), not {codes.shape}")


def _nothing_yet(index: HammingIndex, queries: U8, k: int) -> Neighbours:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    _check_width(queries, index.bits)
    shape = len(queries), min(k, len(index))
    return Neighbours(np.empty(shape, np.int32), np.empty(shape, np.int64))
