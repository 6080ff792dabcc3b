"""Byte strings as one run of bytes and its offsets.

HDF5 keeps variable-length strings in a heap without checksums, and one flipped bit there can hang
the library (measured). So an HDF5 store holds its strings twice: as such, for other programs, and
packed, with checksums, which is what chainpipe reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..layout import Array, strings

Packed = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


def names_of(name: str) -> tuple[str, str]:
    """Return the names of the packed bytes and offsets of an array of strings."""
    return f"packed/{name}/bytes", f"packed/{name}/offsets"


def pack(items: Sequence[bytes]) -> Packed:
    """Return all bytes, and the n + 1 offsets where the strings start and end.

    >>> pack([b"ab", b"", b"c"])
    (array([97, 98, 99], dtype=uint8), array([0, 2, 2, 3]))
    """
    offsets = np.zeros(len(items) + 1, "<i8")
    np.cumsum([len(item) for item in items], out=offsets[1:])
    return np.frombuffer(b"".join(items), np.uint8), offsets


def unpack(run: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> Array:
    """Undo :func:`pack`; return an array of objects, (n,).

    Raises:
        ValueError: If the offsets do not fit the bytes.
    """
    if offsets[0] != 0 or offsets[-1] != len(run) or np.any(np.diff(offsets) < 0):
        raise ValueError("offsets of strings do not fit their bytes")
    whole = run.tobytes()
    return strings(whole[start:end] for start, end in pairwise(offsets.tolist()))
