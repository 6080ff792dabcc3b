"""Protocol of a feature store of N videos, independent of the file format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..records import AugmentationStatistics, FailedVideo, StoreMeta, VideoTable

EVERY_FRAME = slice(None)
Rows = slice | npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class StoredFrames:
    """All stored frames of one video.

    Attributes:
        features: (T, D), in the store's dtype.
        seconds: When each is shown, (T,); NaN where that is not known.
        index: Numbers in presentation order, (T,).
    """

    features: npt.NDArray[np.floating]
    seconds: npt.NDArray[np.float64]
    index: npt.NDArray[np.int64]


class FeatureStore(Protocol):
    """N videos' frame features, read-only. Close it, or use it in a ``with`` statement."""

    path: Path
    root: bytes  # os.fsencode of the folder that the videos' paths are relative to
    meta: StoreMeta

    @property
    def videos(self) -> VideoTable:
        """Return the columns of all videos.

        Raises:
            DamageError: If they are read on this first use, and altered.
        """
        ...

    @property
    def failed(self) -> tuple[FailedVideo, ...]:
        """Return the videos without a row; raises as :attr:`videos`."""
        ...

    @property
    def table_sha256(self) -> str:
        """Return a SHA-256 over the columns of all videos; empty where none is recorded."""
        ...

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (N, T, D)."""
        ...

    def features(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of some rows, (n, T, D), in the store's dtype.

        Raises:
            DamageError: If the bytes on disk are damaged.
        """
        ...

    def sequence(self, row: int, part: slice = EVERY_FRAME) -> StoredFrames:
        """Return the stored frames of one video, whose number differs in a store made per time.

        Args:
            row: Of the video.
            part: Which of its frames, of step one.

        Raises:
            DamageError: If the bytes on disk are damaged.
            IndexError: If there is no such row.
        """
        ...

    def sequence_features(self, row: int, part: slice = EVERY_FRAME) -> npt.NDArray[np.floating]:
        """Return only the features of :meth:`sequence`, (T, D); raises likewise."""
        ...

    def sequence_seconds(self, row: int) -> npt.NDArray[np.float64]:
        """Return only when the frames of :meth:`sequence` are shown, (T,); raises likewise."""
        ...

    def seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return the shown second of each frame, (n, T)."""
        ...

    def index(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return the number of each frame in presentation order, (n, T)."""
        ...

    def candidates(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of each segment's C candidates, (n, T, C, D); C may be 0.

        Raises:
            DamageError: If the bytes on disk are damaged.
        """
        ...

    def candidate_seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return the shown second of each candidate, (n, T, C)."""
        ...

    def candidate_index(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return the number of each candidate in presentation order, (n, T, C)."""
        ...

    def views(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of the V spatially augmented views, (n, V, T, D); V may be 0.

        Raises:
            DamageError: If the bytes on disk are damaged.
        """
        ...

    def augmentation(self) -> AugmentationStatistics | None:
        """Return how augmentation moves these features, if it was measured."""
        ...

    def damage(self) -> Iterable[str]:
        """Check every byte; yield one line for each damage, with the rows it touches."""
        ...

    def bad_rows(self) -> list[int]:
        """Check every row; return the rows with any damaged array, sorted."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...

    def __enter__(self) -> FeatureStore: ...

    def __exit__(self, *exc: object) -> None: ...


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


class SameLengths(ABC):
    """The sequences of a store whose videos have T frames each, by its three reads of rows."""

    @abstractmethod
    def features(self, rows: Rows) -> npt.NDArray[np.floating]:
        """See :class:`FeatureStore`."""

    @abstractmethod
    def seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """See :class:`FeatureStore`."""

    @abstractmethod
    def index(self, rows: Rows) -> npt.NDArray[np.int64]:
        """See :class:`FeatureStore`."""

    def sequence(self, row: int, part: slice = EVERY_FRAME) -> StoredFrames:
        """Return the T frames of one video; raises as :meth:`features`."""
        one = np.array([row])
        found = self.features(one)[0], self.seconds(one)[0], self.index(one)[0]
        return StoredFrames(*(array[part] for array in found))

    def sequence_features(self, row: int, part: slice = EVERY_FRAME) -> npt.NDArray[np.floating]:
        """Return the features of the frames of one video, (T, D)."""
        features: npt.NDArray[np.floating] = self.features(np.array([row]))[0][part]
        return features

    def sequence_seconds(self, row: int) -> npt.NDArray[np.float64]:
        """Return when the frames of one video are shown, (T,)."""
        seconds: npt.NDArray[np.float64] = self.seconds(np.array([row]))[0]
        return seconds
