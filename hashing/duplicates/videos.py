"""The videos that are compared: the rows of one store, or of two."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Blank, Status
from chainpipe.pipeline.store import FeatureStore


@dataclass(frozen=True, slots=True)
class VideoFile:
    """What is known of one video's file.

    Attributes:
        path: As its store has it.
        file: ``os.fsencode`` of its full path.
        size: Bytes when it was extracted, 0 where unknown.
        mtime_ns: When it was last changed then.
        duration: Seconds.
        fps: Shown frames a second.
        width: Pixels.
        height: Pixels.
        status: Of its extraction.
    """

    path: bytes
    file: bytes
    size: int
    mtime_ns: int
    duration: float
    fps: float
    width: int
    height: int
    status: Status

    @property
    def bitrate(self) -> float:
        """Bits a second of the whole file, 0 where the duration is unknown."""
        return 8 * self.size / self.duration if self.duration > 0 else 0.0


class ComparedVideos:
    """Videos of one store, or of two whose videos are compared with each other.

    Row numbers count through: those of the second store come after those of the first.

    Args:
        store: The store.
        against: The second one, if any.

    Raises:
        UsageError: If the features of both are not comparable.
        DamageError: If a table is damaged.
    """

    def __init__(self, store: FeatureStore, against: FeatureStore | None = None) -> None:
        self.stores: list[FeatureStore] = [store] if against is None else [store, against]
        if against is not None:
            _check_alike(store, against)
        tables = [one.videos for one in self.stores]
        self._tables = tables  # a report is read when the stores are closed
        self.ids = np.concatenate([table.ids for table in tables])  # (N, 32)
        self.duration = np.concatenate([table.duration for table in tables])  # (N,)
        self.blank = np.concatenate([table.blank for table in tables])  # (N,)
        self.paths: list[bytes] = [path for table in tables for path in table.paths]
        self.first = len(tables[0])

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def two(self) -> bool:
        """Whether two stores are compared."""
        return len(self.stores) == 2

    def place(self, row: int) -> tuple[FeatureStore, int]:
        """Return the store of a row, and the row's number there."""
        inner = row < self.first
        return (self.stores[0], row) if inner else (self.stores[1], row - self.first)

    def hex_id(self, row: int) -> str:
        """Return the SHA-256 of a video's bytes, hexadecimal."""
        return bytes(self.ids[row]).hex()

    def file(self, row: int) -> bytes:
        """Return the full path of a video's file."""
        store, _ = self.place(row)
        return os.path.abspath(os.path.join(store.root, self.paths[row]))

    def video(self, row: int) -> VideoFile:
        """Return what is known of a video's file."""
        own = self.place(row)[1]
        table = self._tables[0 if row < self.first else 1]
        return VideoFile(
            path=self.paths[row],
            file=self.file(row),
            size=int(table.size[own]),
            mtime_ns=int(table.mtime_ns[own]),
            duration=float(table.duration[own]),
            fps=float(table.fps[own]),
            width=int(table.width[own]),
            height=int(table.height[own]),
            status=Status(int(table.status[own])),
        )

    def gone(self) -> frozenset[int]:
        """Return the rows whose file is no longer there.

        Where no file of a store is to be seen, it was moved or a drive is not mounted: then none of
        its files counts as gone.
        """
        gone: set[int] = set()
        for rows in (range(self.first), range(self.first, len(self))):
            missing = [row for row in rows if not os.path.lexists(self.file(row))]
            gone.update(missing if len(missing) < len(rows) else ())
        return frozenset(gone)

    def blank_reason(self, row: int) -> str:
        """Return the word for frames without a picture that moves, empty where there is one.

        One of ``black``, ``white``, ``colour``, ``still``, ``other``.
        """
        kind = Blank(int(self.blank[row]))
        return "" if kind in (Blank.NONE, Blank.UNKNOWN) else kind.name.lower()

    def contents(self) -> list[list[int]]:
        """Return the rows of each content, which are files of equal bytes, by first row."""
        rows: dict[bytes, list[int]] = {}
        for row, video_id in enumerate(map(bytes, self.ids)):
            rows.setdefault(video_id, []).append(row)
        return list(rows.values())


def shows_nothing(reason: str) -> bool:
    """Return whether a reason to be set apart means that there is no picture at all.

    >>> shows_nothing("black"), shows_nothing("still")
    (True, False)
    """
    return reason in ("black", "white", "colour", "other")


def _check_alike(store: FeatureStore, against: FeatureStore) -> None:
    mine, theirs = store.meta.fingerprint, against.meta.fingerprint
    if differences := mine.differences(theirs):
        raise UsageError(
            f"`{store.path}` and `{against.path}` have features of different kinds: "
            + ", ".join(f"`{difference}`" for difference in differences),
            hint="extract one of them again with the backbone and preprocessing of the other",
        )
