"""Store that has only features, names, labels and splits."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..records import FailedVideo, StoreMeta, VideoTable
from .base import Rows, SameLengths, row_numbers
from .integrity import faults


class FeaturesOnlyStore(SameLengths):
    """See ``FeatureStore``: no seconds (NaN), no candidates, no views, no checksums of files.

    Attributes:
        dtype: Of the features, float16 or float32.
    """

    path: Path
    root: bytes
    meta: StoreMeta
    videos: VideoTable
    failed: tuple[FailedVideo, ...] = ()
    table_sha256: str = ""
    dtype: np.dtype[Any]

    @abstractmethod
    def features(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of some rows, (n, T, D), in ``dtype``."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (N, T, D)."""
        return len(self.videos), self.meta.frames, self.meta.fingerprint.dim

    def seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return NaN, (n, T): when the frames are shown is not known."""
        return np.full(self._times(rows), np.nan)

    def index(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return 0 to T - 1, (n, T): only the frames' order is known."""
        return np.broadcast_to(np.arange(self.meta.frames), self._times(rows)).copy()

    def candidates(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return no candidates, (n, T, 0, D)."""
        return np.empty((*self._times(rows), 0, self.shape[2]), self.dtype)

    def candidate_seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return no candidates' seconds, (n, T, 0)."""
        return np.empty((*self._times(rows), 0))

    def candidate_index(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return no candidates' numbers, (n, T, 0)."""
        return np.empty((*self._times(rows), 0), np.int64)

    def views(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return no views, (n, 0, T, D)."""
        count, frames = self._times(rows)
        return np.empty((count, 0, frames, self.shape[2]), self.dtype)

    def augmentation(self) -> None:
        """Return None: the videos are not at hand to augment."""
        return None

    def damage(self) -> Iterator[str]:
        """Read every row; yield one line for those that cannot be read."""
        if bad := self.bad_rows():
            yield faults.row_line(self.path, ("feats",), bad)

    def bad_rows(self) -> list[int]:
        """Return the rows that cannot be read; there are no checksums to compare with."""
        return faults.bad_rows(
            lambda rows: self.features(slice(rows.start, rows.stop)), len(self.videos)
        )

    def close(self) -> None:
        """Release what is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _times(self, rows: Rows) -> tuple[int, int]:
        return len(row_numbers(rows, len(self.videos))), self.meta.frames
