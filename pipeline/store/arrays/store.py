"""Arrays as a feature store: training, encoding and evaluation read it like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import UsageError
from ...records import Blank, Fingerprint, Reader, Status, StoreMeta, VideoTable
from ..base import Rows, row_numbers
from ..features_only import FeaturesOnlyStore
from .columns import U8, Columns, hashes
from .sources import ArraySource

BACKBONE = "arrays"
PREPROCESSING = "as given"


class ArrayFeatureStore(FeaturesOnlyStore):
    """See ``FeatureStore``; every row is read once to hash it, so that equal videos are known.

    Args:
        source: Where the features are.
        columns: Ids, labels and splits of its N rows.
        frames: T, to which longer and shorter videos are resampled; ``None`` takes them as they
            are, all of one length.

    Raises:
        UsageError: If the videos differ in length and ``frames`` is ``None``, or it is below 1.
    """

    def __init__(self, source: ArraySource, columns: Columns, *, frames: int | None = None) -> None:
        self._source = source
        self.path, self.root = source.path or Path(BACKBONE), b""
        self.dtype = source.dtype
        self.meta = StoreMeta(
            Fingerprint(BACKBONE, "", source.dim, PREPROCESSING),
            _frames(source, frames),
            sampling="as given",
            dtype=self.dtype.name,
        )
        self.videos = self._table(columns)

    def features(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of some rows, (n, T, D), float16 if they were given so, else float32.

        Raises:
            DamageError: If a file was altered since the store was opened.
            IndexError: If there is no such row.
        """
        numbers = row_numbers(rows, len(self._source.lengths))
        out = np.empty((len(numbers), self.meta.frames, self._source.dim), self.dtype)
        for place, row in zip(out, numbers.tolist(), strict=True):
            video = self._source.read(row)
            place[:] = video[frame_indices(len(video), self.meta.frames)]
        return out

    def __repr__(self) -> str:
        n, t, d = self.shape
        return f"ArrayFeatureStore({n} videos x {t} frames x {d})"

    def _table(self, columns: Columns) -> VideoTable:
        n = len(columns.paths)
        content = self._hashes(n)
        return VideoTable(
            ids=content,
            checksums=content,
            paths=columns.paths,
            notes=("",) * n,
            labels=columns.labels,
            label_names=columns.label_names,
            split=columns.split,
            status=np.full(n, Status.OK, np.uint8),
            reader=np.full(n, Reader.EXACT, np.uint8),
            duration=np.zeros(n),
            fps=np.zeros(n),
            width=np.zeros(n, np.int32),
            height=np.zeros(n, np.int32),
            frames=np.array(self._source.lengths, np.int64),
            track=np.full(n, -1, np.int16),
            size=np.zeros(n, np.int64),
            mtime_ns=np.zeros(n, np.int64),
            blank=np.full(n, Blank.UNKNOWN, np.uint8),
        )

    def _hashes(self, count: int) -> U8:
        """Return SHA-256 of each row's features, (N, 32)."""
        rows = (self.features(slice(row, row + 1)) for row in range(count))
        parts = [hashes([row.tobytes()]) for row in rows]
        return np.concatenate([np.empty((0, 32), np.uint8), *parts])


def frame_indices(available: int, frames: int) -> npt.NDArray[np.int64]:
    """Return the middles of T equal segments of a video, as extraction samples frames, (T,).

    >>> frame_indices(10, 5), frame_indices(2, 4)
    (array([1, 3, 5, 7, 9]), array([0, 0, 1, 1]))
    """
    return (2 * np.arange(frames) + 1) * available // (2 * frames)


def _frames(source: ArraySource, frames: int | None) -> int:
    if frames is not None and frames < 1:
        raise UsageError(f"`frames` is {frames}", hint="it is at least 1")
    lengths = sorted(set(source.lengths))
    if frames is None and len(lengths) > 1:
        hint = "`frames=25` takes 25 frames spread over each video"
        raise UsageError(f"the videos have from {lengths[0]} to {lengths[-1]} frames", hint=hint)
    return frames or (lengths[0] if lengths else 1)
