"""Row checksums: SHA-256 of each video's arrays, one column (N, 32) per group of arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...records import StoreMeta
from ..layout import Array

FEATURES, CANDIDATES, VIEWS = "feats", "candidates", "views"
SECONDS, INDEX = "seconds", "index"
CANDIDATE_SECONDS, CANDIDATE_INDEX = "candidate_seconds", "candidate_index"
FEATURE_ARRAYS = (FEATURES, CANDIDATES, VIEWS)
"""Arrays of features: each video is one chunk of its own."""


@dataclass(frozen=True, slots=True)
class RowChecksum:
    """SHA-256 of each row of some arrays, which is the last word on whether the row is right.

    Attributes:
        column: Its array, (N, 32).
        arrays: Names of those it covers; the bytes of a row are joined in this order.
    """

    column: str
    arrays: tuple[str, ...]

    def sums(self, rows: Mapping[str, Array | Sequence[Array]]) -> npt.NDArray[np.uint8]:
        """Return the checksum of each row, (n, 32), given the rows of all its arrays."""
        lines = zip(*(_little(rows[name]) for name in self.arrays), strict=True)
        digests = [np.frombuffer(_row_sha256(line), np.uint8) for line in lines]
        return np.stack(digests) if digests else np.empty((0, 32), np.uint8)


def row_checksums_of(meta: StoreMeta) -> tuple[RowChecksum, ...]:
    """Return the row checksums of a store with these settings.

    >>> from chainpipe.pipeline.records import Fingerprint
    >>> meta = StoreMeta(Fingerprint("cnn", "00", 8, "fit=crop"), 25, views=2)
    >>> [row_checksum.column for row_checksum in row_checksums_of(meta)]
    ['video/checksum', 'video/times_checksum', 'video/views_checksum']
    """
    more = meta.per_segment > 0
    times = (SECONDS, INDEX, *((CANDIDATE_SECONDS, CANDIDATE_INDEX) if more else ()))
    return (
        RowChecksum("video/checksum", (FEATURES,)),
        RowChecksum("video/times_checksum", times),
        *((RowChecksum("video/candidates_checksum", (CANDIDATES,)),) if more else ()),
        *((RowChecksum("video/views_checksum", (VIEWS,)),) if meta.views > 0 else ()),
    )


def shapes_of(meta: StoreMeta, frames: int | None = None) -> dict[str, tuple[int, ...]]:
    """Return the shape of one row of each frame array, whether the store holds it or not.

    Args:
        meta: The store's settings.
        frames: Of this row, where rows differ in it.
    """
    t, d = meta.frames if frames is None else frames, meta.fingerprint.dim
    m, v = meta.per_segment, meta.views
    return {
        FEATURES: (t, d),
        SECONDS: (t,),
        INDEX: (t,),
        CANDIDATES: (t, m, d),
        CANDIDATE_SECONDS: (t, m),
        CANDIDATE_INDEX: (t, m),
        VIEWS: (v, t, d),
    }


def dtype_of(name: str, meta: StoreMeta) -> np.dtype[np.generic]:
    """Return the little-endian dtype of a frame array."""
    if name in FEATURE_ARRAYS:
        return np.dtype(meta.dtype).newbyteorder("<")
    return np.dtype("<i8" if name in (INDEX, CANDIDATE_INDEX) else "<f8")


def _row_sha256(arrays: Sequence[Array]) -> bytes:
    """Return the SHA-256 of one row's arrays as stored, one after the other."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.data)
    return digest.digest()


def _little(rows: Array | Sequence[Array]) -> Array | list[Array]:
    """Return rows as stored: contiguous, little-endian."""
    if isinstance(rows, np.ndarray):
        return np.ascontiguousarray(rows, rows.dtype.newbyteorder("<"))
    return [np.ascontiguousarray(row, row.dtype.newbyteorder("<")) for row in rows]
