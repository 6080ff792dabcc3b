"""Rows as people ask for them, as numbers from 0."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .base import Rows


def row_numbers(rows: Rows, count: int) -> npt.NDArray[np.int64]:
    """Return row numbers from 0 to ``count`` - 1.

    Raises:
        IndexError: If there is no such row, or ``rows`` is no list of numbers.

    Example:
        >>> row_numbers(np.array([-1, 0]), 5), row_numbers(slice(3, 9), 5)
        (array([4, 0]), array([3, 4]))
    """
    if isinstance(rows, slice):
        return np.arange(count)[rows]
    numbers = np.asarray(rows)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise IndexError(f"rows are a list of numbers, not {numbers.dtype} {numbers.shape}")
    bad = numbers[(numbers < -count) | (numbers >= count)]
    if bad.size:
        raise IndexError(f"row {bad[0]} of {count} rows")
    return numbers.astype(np.int64) % count
