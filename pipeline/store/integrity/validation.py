"""Validate one video's arrays before they are stored: shapes and finite values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...records import StoreMeta, VideoFeatures
from ..layout import Array
from . import row_checksums


def invalid_reason(video: VideoFeatures, meta: StoreMeta) -> str | None:
    """Return why a store rejects a video's arrays, or ``None`` if they are valid.

    NaN and infinity are refused, also where they come from numbers too large for the store's
    dtype. Rows of zeros are taken: a network may give them for a constant frame.

    Args:
        video: Its arrays have the shapes that ``meta`` asks for.
        meta: The store's settings.
    """
    return invalid_reason_in(arrays_of(video, meta))


def invalid_reason_in(arrays: Mapping[str, Array]) -> str | None:
    """Return the same about arrays that have the store's dtypes already."""
    for name in (name for name in row_checksums.FEATURE_ARRAYS if name in arrays):
        array = arrays[name]
        if bad := int(array.size - np.count_nonzero(np.isfinite(array))):
            return f"{bad} of {array.size} numbers of `{name}` are NaN or infinite as {array.dtype}"
    return None


def arrays_of(video: VideoFeatures, meta: StoreMeta) -> dict[str, Array]:
    """Return the frame arrays of one row, in the dtypes of the store.

    Raises:
        ValueError: If one is missing, not asked for, or of another shape.
    """
    expected = _expected(meta, len(video.features) if meta.every else meta.frames)
    for name in expected.absent:
        if (extra := _array(video, name)) is not None and extra.size:
            raise ValueError(f"{video!r} has `{name}`, which the store has not")
    found = {}
    for name, (shape, dtype) in expected.stored.items():
        array = _array(video, name)
        if array is None or array.shape != shape:
            mine, asked = "none" if array is None else _times(array.shape), _times(shape)
            raise ValueError(f"{video!r}: `{name}` is {mine}, in this store it is {asked}")
        found[name] = array if array.dtype == dtype else _cast(array, dtype)
    return found


class _Expected(NamedTuple):
    stored: dict[str, tuple[tuple[int, ...], np.dtype[np.generic]]]
    absent: tuple[str, ...]


@lru_cache(maxsize=64)
def _expected(meta: StoreMeta, frames: int) -> _Expected:
    """Return the shape and dtype of each array of a row, and the names that a row may not have."""
    shapes = row_checksums.shapes_of(meta, frames)
    stored = {
        name: (shapes[name], row_checksums.dtype_of(name, meta))
        for row_checksum in row_checksums.row_checksums_of(meta)
        for name in row_checksum.arrays
    }
    return _Expected(stored, tuple(shapes.keys() - stored))


def _cast(array: Array, dtype: np.dtype[np.generic]) -> Array:
    with np.errstate(over="ignore"):  # becomes infinity, for `invalid_reason` to find
        return array.astype(dtype)


def _array(video: VideoFeatures, name: str) -> npt.NDArray[np.generic] | None:
    field = "features" if name == row_checksums.FEATURES else name
    array: npt.NDArray[np.generic] | None = getattr(video, field)
    return array


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
