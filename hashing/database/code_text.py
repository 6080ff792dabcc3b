"""The bits of a code in the notations of other programs: numbers, digits, text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

WORD = 64  # bits


def words_of(codes: Sequence[bytes], bits: int) -> npt.NDArray[np.uint64]:
    """Return packed codes as numbers: bit j of a code is bit j % 64 of number j // 64.

    Args:
        codes: B packed codes of ceil(K / 8) bytes.
        bits: K.

    Returns:
        (B, ceil(K / 64)).

    Example:
        >>> words_of([bytes([5, 1])], 16).tolist()
        [[261]]
    """
    count = -(-bits // WORD)
    padded = b"".join(code.ljust(8 * count, b"\0") for code in codes)
    return np.frombuffer(padded, "<u8").astype(np.uint64).reshape(len(codes), count)


def bit_texts(codes: Sequence[bytes], bits: int) -> list[str]:
    """Return packed codes as 0 and 1, bit 0 first: PostgreSQL's ``bit(K)``.

    Args:
        codes: B packed codes of ceil(K / 8) bytes.
        bits: K.

    Example:
        >>> bit_texts([bytes([5])], 3), bit_texts([bytes([2])], 3)
        (['101'], ['010'])
    """
    packed = np.frombuffer(b"".join(codes), np.uint8).reshape(len(codes), -(-bits // 8))
    digits = np.unpackbits(packed, axis=1, count=bits, bitorder="little") + ord("0")
    return [line.tobytes().decode() for line in digits]


def code_of_text(text: str) -> bytes:
    r"""Return the packed code of such a text: the inverse of :func:`bit_texts`.

    >>> code_of_text("101")
    b'\x05'
    """
    digits = np.frombuffer(text.encode(), np.uint8) == ord("1")
    return np.packbits(digits, bitorder="little").tobytes()
