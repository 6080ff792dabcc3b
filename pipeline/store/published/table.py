"""Columns of a published set: names, ids and checksums, equal on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...records import Blank, Reader, Split, Status, VideoTable

Bytes = npt.NDArray[np.uint8]


def synthetic_table(
    names: Sequence[str],
    counts: Sequence[int],
    splits: Sequence[Split],
    labels: Bytes,
    identities: Sequence[bytes],
    frames: int,
) -> VideoTable:
    """Return the table of videos of which nothing but features and labels is known.

    A video is called after its place, such as ``fcv_test_feats.h5#17``. Its id is the SHA-256 of
    that name; its checksum is the SHA-256 of its file's identity and its row. Durations, sizes and
    times are 0.

    Args:
        names: Of the files.
        counts: Videos of each.
        splits: Of each.
        labels: Multi-hot, all videos, (N, C).
        identities: Of each file, 32 bytes.
        frames: T.
    """
    pairs = zip(names, counts, strict=True)
    paths = tuple(f"{name}#{row}".encode() for name, count in pairs for row in range(count))
    sums = zip(identities, counts, strict=True)
    n, width = len(paths), len(str(max(labels.shape[1] - 1, 0)))
    return VideoTable(
        ids=_hashes(paths),
        checksums=_hashes([one + b"%d" % row for one, count in sums for row in range(count)]),
        paths=paths,
        notes=("",) * n,
        labels=labels,
        label_names=tuple(f"class {column:0{width}}" for column in range(labels.shape[1])),
        split=np.repeat(np.array(splits, np.uint8), counts),
        status=np.full(n, Status.OK, np.uint8),
        reader=np.full(n, Reader.EXACT, np.uint8),
        duration=np.zeros(n),
        fps=np.zeros(n),
        width=np.zeros(n, np.int32),
        height=np.zeros(n, np.int32),
        frames=np.full(n, frames, np.int64),
        track=np.full(n, -1, np.int16),
        size=np.zeros(n, np.int64),
        mtime_ns=np.zeros(n, np.int64),
        blank=np.full(n, Blank.UNKNOWN, np.uint8),
    )


def _hashes(texts: Sequence[bytes]) -> Bytes:
    joined = b"".join(hashlib.sha256(text).digest() for text in texts)
    return np.frombuffer(joined, np.uint8).reshape(-1, 32)
