"""Pack bits into bytes and back: bit j of a code is in byte j // 8, least significant bit first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError

U8 = npt.NDArray[np.uint8]


def pack(bits: npt.NDArray[np.bool_] | U8) -> U8:
    """Pack B codes of K bits into bytes, (B, ceil(K / 8)); unused bits are zero.

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
    """Unpack bytes to bits, (B, K): the inverse of :func:`pack`.

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
    """Return the number of bytes of a code of K bits.

    >>> width(9)
    2
    """
    return (bits + 7) // 8


def truth_values(bits: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return codes as truth values, (B, K): of booleans, of 0 and 1, or of numbers by their sign.

    Raises:
        UsageError: If it is no array (B, K) of numbers, or holds NaN.

    Example:
        >>> truth_values([[-1, 1], [0, 2]]), truth_values([[0, 1]])
        (array([[False,  True],
               [ True,  True]]), array([[False,  True]]))
    """
    values = np.asarray(bits)
    if values.ndim != 2 or not values.shape[1] or values.dtype.kind not in "biuf":
        found = f"{values.shape} {values.dtype}"
        raise UsageError(f"bits are numbers (videos, bits), not {found}", hint="one code a row")
    if values.dtype.kind == "b":
        return values
    if np.isnan(values).any():
        raise UsageError("the bits hold NaN", hint="use numbers, of which those >= 0 become 1")
    zero_one = bool(np.isin(values, (0, 1)).all())
    truth: npt.NDArray[np.bool_] = values == 1 if zero_one else values >= 0
    return truth


def checked_packed(codes: npt.ArrayLike, bits: int) -> U8:
    """Return packed codes as an array (Q, ceil(bits / 8)).

    Raises:
        UsageError: If it is of another shape or type.
    """
    packed = np.asarray(codes)
    if packed.ndim != 2 or packed.shape[1] != width(bits) or packed.dtype != np.uint8:
        message = f"packed codes of {bits} bits are (N, {width(bits)}) uint8"
        raise UsageError(f"{message}, not {packed.shape} {packed.dtype}", hint="see `Codes.packed`")
    return packed
