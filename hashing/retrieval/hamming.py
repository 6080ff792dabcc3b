"""Hamming distances over packed codes, and the order (distance, row) of answers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .bitpack import U8

Words = npt.NDArray[np.uint64]
Distances = npt.NDArray[np.unsignedinteger]
Rows = npt.NDArray[np.int64]


def to_words(codes: U8) -> Words:
    """Convert packed codes to 64-bit words, word-major, so that a scan reads contiguous memory.

    Args:
        codes: Packed codes, (B, bytes).

    Returns:
        Zero-padded words, (ceil(bytes / 8), B).
    """
    n, size = codes.shape
    padded = np.zeros((n, (size + 7) // 8 * 8), np.uint8)
    padded[:, :size] = codes
    return np.ascontiguousarray(padded.view(np.uint64).T)


def distances(query: Words, database: Words) -> Distances:
    """Compute the Hamming distances of one query to N codes, (N,).

    Args:
        query: Words of one code, (W,).
        database: Words of N codes, (W, N).

    Returns:
        (N,); as uint8 up to 192 bits, else as uint16, both with room for one number more.

    Example:
        >>> codes = to_words(np.array([[0b0000], [0b0001], [0b0111]], np.uint8))
        >>> distances(codes[:, 1], codes)
        array([1, 0, 2], dtype=uint8)
    """
    words, n = database.shape
    total: Distances = np.zeros(n, np.uint8 if words < 4 else np.uint16)
    for word, column in zip(query, database, strict=True):
        total += np.bitwise_count(column ^ word)
    return total


def distance_matrix(codes: U8, others: U8) -> npt.NDArray[np.uint16]:
    """Count the bits in which each of B packed codes differs from each of Q.

    Args:
        codes: (B, bytes).
        others: (Q, bytes).

    Returns:
        (B, Q).

    Example:
        >>> distance_matrix(np.array([[0b0000], [0b0111]], np.uint8), np.array([[1]], np.uint8))
        array([[1],
               [2]], dtype=uint16)
    """
    rows, columns = to_words(codes), to_words(others)
    matrix = np.empty((len(codes), len(others)), np.uint16)
    for row, code in zip(matrix, rows.T, strict=True):
        row[:] = distances(code, columns)
    return matrix


def nearest(found: Distances, k: int, counts: Rows) -> Rows:
    """Return the rows of the k smallest distances in the order (distance, row).

    Codes tie by the hundred, so this order is the definition, not an accident of a sort: among
    equal distances the lower row comes first, at the cut as well.

    Args:
        found: Distances of one query, (N,).
        k: Number of rows, at most N.
        counts: ``np.bincount(found)``, how many rows have distance 0, 1, 2, ...

    Returns:
        (min(k, N),).

    Example:
        >>> found = np.array([7, 1, 3, 1, 3], np.uint8)
        >>> nearest(found, 3, np.bincount(found))
        array([1, 3, 2])
    """
    k = min(k, len(found))
    if k == 0:
        return np.empty(0, np.int64)
    farthest = found.dtype.type(np.searchsorted(counts.cumsum(), k))  # a wider type is slower
    rows = np.flatnonzero(found <= farthest)
    return rows[np.argsort(found[rows], kind="stable")][:k]
