"""Asymmetric distance: a query's real values against stored bits.

A bit in which query and stored code differ counts the magnitude of the query's value instead of 1,
so bits that the query is unsure of count little. The stored codes stay as they are.

Idea: Gordo, Perronnin, Gong and Lazebnik, Asymmetric distances for binary embeddings (2014):
https://doi.org/10.1109/TPAMI.2013.101

[ours] Before use, values are divided by each bit's mean magnitude over the encoded videos
(:attr:`.codes.Codes.value_scale`), because parts of a code may have values of different scales.
Then each query's magnitudes are divided by their mean, which does not change its ranking: the
distance is measured in bits, and equals the Hamming distance where all magnitudes are equal.

Weights are multiples of :data:`STEP`, and those of a query sum up to K bits. So every sum of them
is exact in float32 up to 1,677 bits (in float64 beyond), whatever the order of additions: ties are
exact equals, on every machine.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..models.hasher import F32
from .bitpack import U8, unpack, width
from .hamming import Rows

STEP = 1e-4  # bits; distances are whole multiples
EXACT_BITS = 1677  # K / STEP <= 2^24, up to which float32 holds every integer
BLOCK = 1 << 14  # stored codes that are unpacked at a time
Steps = npt.NDArray[np.int32]


def bit_scale(total: npt.NDArray[np.float64], videos: int) -> F32:
    """Return each bit's mean magnitude, (K,); 1 for a bit whose values are all 0.

    Args:
        total: Sums of |value| over the videos, (K,).
        videos: Number of videos.

    Example:
        >>> bit_scale(np.array([3.0, 0.0]), 2)
        array([1.5, 1. ], dtype=float32)
    """
    mean = total / max(videos, 1)
    return np.where(mean > 0, mean, 1).astype(np.float32)


def bit_weights(values: npt.NDArray[np.floating], scale: F32 | None = None) -> Steps:
    """Return the signed weight of each bit in steps of 1e-4 bits, (Q, K); a query's mean is 1 bit.

    Args:
        values: Values of Q queries, (Q, K); their signs are the bits, that of 0 is +.
        scale: Magnitude of each bit's values, (K,); by default all are alike.

    Returns:
        (Q, K) int32.

    Raises:
        ValueError: If a value is NaN or infinite, or the scale is of another length.

    Example:
        >>> bit_weights(np.array([[3.0, -1.0], [0.0, 0.0]]))
        array([[15000, -5000],
               [10000, 10000]], dtype=int32)
    """
    if not np.isfinite(values).all():
        raise ValueError("values are NaN or infinite")
    if scale is not None and scale.shape != values.shape[1:]:
        raise ValueError(f"a scale of {values.shape[1]} bits, not of shape {scale.shape}")
    size = np.abs(values.astype(np.float64)) / (1 if scale is None else scale)
    mean = size.mean(axis=1, keepdims=True)
    size = np.divide(size, mean, out=np.ones_like(size), where=mean > 0)
    steps = np.rint(size / STEP)
    return np.asarray(np.where(values >= 0, steps, -steps), np.int32)


def asymmetric_steps(weights: Steps, codes: U8, bits: int) -> Steps:
    """Return the asymmetric distances of Q queries to N codes, (Q, N), in steps of 1e-4 bits.

    Args:
        weights: Of the queries, (Q, K), see :func:`bit_weights`.
        codes: Packed codes, (N, ceil(K / 8)).
        bits: K.

    Raises:
        ValueError: If the codes are of another width.

    Example:
        >>> codes = np.array([[0b11], [0b00], [0b01]], np.uint8)
        >>> asymmetric_steps(np.array([[15000, -5000]], np.int32), codes, 2) * STEP
        array([[0.5, 1.5, 0. ]])
    """
    if codes.ndim != 2 or codes.shape[1] != width(bits):
        raise ValueError(f"codes of {bits} bits are (N, {width(bits)}), not {codes.shape}")
    real = weights.astype(np.float32 if bits <= EXACT_BITS else np.float64)
    found = np.empty((len(weights), len(codes)), np.int32)
    # Of a bit that is stored as 1, w is taken off the sum of the positive w: what is left are
    # the magnitudes where the signs differ.
    positive = np.maximum(weights, 0).sum(axis=1, dtype=np.int32)[:, None]
    for start in range(0, len(codes), BLOCK):
        part = slice(start, start + BLOCK)
        stored = unpack(codes[part], bits).astype(real.dtype)
        found[:, part] = positive - (real @ stored.T).astype(np.int32)
    return found


def nearest_steps(found: npt.NDArray[np.integer], k: int) -> Rows:
    """Return the places of the k smallest numbers in the order (number, place), (min(k, N),).

    >>> nearest_steps(np.array([7, 1, 3, 1, 3]), 3)
    array([1, 3, 2])
    """
    k = min(k, len(found))
    if k == 0:
        return np.empty(0, np.int64)
    farthest = np.partition(found, k - 1)[k - 1]
    rows = np.flatnonzero(found <= farthest)
    return rows[np.argsort(found[rows], kind="stable")][:k]


def search_asymmetric(
    values: npt.NDArray[np.floating], codes: U8, bits: int, k: int, *, scale: F32 | None = None
) -> tuple[npt.NDArray[np.float64], Rows]:
    """Return the k nearest codes of Q queries by asymmetric distance, in the order (distance, row).

    Args:
        values: Values of the queries, (Q, K).
        codes: Packed codes, (N, ceil(K / 8)).
        bits: K.
        k: Number of answers.
        scale: Magnitude of each bit's values, (K,).

    Returns:
        Distances in bits, multiples of 1e-4, and rows, (Q, min(k, N)) each.

    Raises:
        ValueError: If ``k`` is below 1, or shapes do not fit.

    Example:
        >>> codes = np.array([[0b11], [0b00], [0b01]], np.uint8)
        >>> search_asymmetric(np.array([[3.0, -1.0]]), codes, 2, k=2)
        (array([[0. , 0.5]]), array([[2, 0]]))
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    weights = bit_weights(values, scale)
    shape = len(values), min(k, len(codes))
    distances, rows = np.empty(shape), np.empty(shape, np.int64)
    for i, weight in enumerate(weights):
        found = asymmetric_steps(weight[None], codes, bits)[0]
        rows[i] = nearest_steps(found, k)
        distances[i] = found[rows[i]] * STEP
    return distances, rows
