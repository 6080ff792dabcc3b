"""Bits to bytes and back: bit j of a code is in byte j // 8, least significant bit first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]


def pack(bits: npt.NDArray[np.bool_] | U8) -> U8:
    """Pack one code a row into bytes; the last byte is filled up with zeros.

    Args:
        bits: Truth values, (B, K).

    Returns:
        Packed codes, (B, ceil(K / 8)).

    Raises:
        ValueError: If ``bits`` is not two-dimensional.

    Example:
        >>> pack(np.array([[1, 0, 0, 0, 0, 0, 0, 0, 1, 1]], bool))  # 10 bits in 2 bytes
        array([[1, 3]], dtype=uint8)
    """
    if bits.ndim != 2:
        raise ValueError(f"bits are one code a row, (N, K), not {bits.shape}")
    return np.packbits(bits, axis=1, bitorder="little")


def unpack(codes: U8, bits: int) -> npt.NDArray[np.bool_]:
    """Undo :func:`pack`.

    Args:
        codes: Packed codes, (B, ceil(K / 8)).
        bits: K.

    Returns:
        Truth values, (B, K).

    Raises:
        ValueError: If the codes are not as wide as ``bits`` asks.

    Example:
        >>> unpack(np.array([[5]], np.uint8), 3)
        array([[ True, False,  True]])
    """
    if codes.ndim != 2 or codes.shape[1] != width(bits):
        raise ValueError(f"codes of {bits} bits are (N, {width(bits)}), not {codes.shape}")
    return np.unpackbits(codes, axis=1, count=bits, bitorder="little").astype(bool)


def width(bits: int) -> int:
    """Return the bytes that a code takes.

    >>> width(9)
    2
    """
    return (bits + 7) // 8
