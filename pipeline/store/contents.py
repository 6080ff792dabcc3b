"""Split the rows of a new store into blocks, so that N videos are never in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt

from ..records import AugmentationStatistics, FailedVideo, StoreMeta, VideoFeatures
from . import augmentation_arrays, layout
from .integrity import row_checksums, table_digest, validation
from .integrity.table_digest import TableDigest
from .layout import Array, RowBlock

_BLOCK_FRAMES = 1 << 14  # frames of a block, where rows differ in length: 40 MiB of a usual network


@dataclass(frozen=True)
class StoreContents:
    """Everything that a store will hold; its rows can be read once.

    Attributes:
        root: Folder that the paths are relative to, ``os.fsencode``.
        meta: The settings that all rows were made with.
        rows: ``count`` videos.
        count: N.
        failed: Videos without a row.
        label_names: All C of them; each label of a row is among them.
        augmentation: How augmentation moves the features, if it was measured.
        allow_nan: Whether NaN and infinity are taken as they come.
        key: Of the journal that this is a part of, see ``JournalSpec``.
    """

    root: bytes
    meta: StoreMeta
    rows: Iterable[VideoFeatures]
    count: int
    failed: Sequence[FailedVideo] = ()
    label_names: Sequence[str] = ()
    augmentation: AugmentationStatistics | None = None
    allow_nan: bool = False
    key: str = ""
    _row_checksums: tuple[row_checksums.RowChecksum, ...] = field(init=False)
    _digest: TableDigest = field(init=False)
    _frames_before: list[int] = field(init=False)  # of the next block, where rows differ in length

    def __post_init__(self) -> None:
        checksum_columns = row_checksums.row_checksums_of(self.meta)
        names = [
            layout.PATH,
            layout.NOTE,
            *(c.name for c in layout.COLUMNS),
            *(g.column for g in checksum_columns),
            *((layout.START, layout.COUNT) if self.meta.every else ()),
        ]
        object.__setattr__(self, "_row_checksums", checksum_columns)
        object.__setattr__(self, "_digest", TableDigest(dict.fromkeys(names)))
        object.__setattr__(self, "_frames_before", [0])
        if self.augmentation is not None:
            dims = self.meta.fingerprint.dim, len(self.augmentation.mean)
            if dims[0] != dims[1]:
                raise ValueError(f"{self.augmentation!r} in a store of {dims[0]} numbers a frame")

    @property
    def frame_arrays(self) -> tuple[str, ...]:
        """Return the names of the arrays that have a row for each frame, not for each video."""
        names = (name for one in self._row_checksums for name in one.arrays)
        return tuple(names) if self.meta.every else ()

    def blank(self) -> RowBlock:
        """Return no rows: the arrays' names, dtypes and the shapes of a row."""
        return self._block([])

    def blocks(self, size: int) -> Iterator[tuple[int, RowBlock]]:
        """Yield (first row, rows) until all N videos are through.

        Raises:
            ValueError: If there are not exactly N videos, one has arrays of other shapes or a
                label that is not named, or its features are not finite.
        """
        start, rows = 0, iter(self.rows)
        while some := self._next(rows, size):
            if start + len(some) > self.count:
                raise ValueError(f"more than the {self.count} videos that were promised")
            block = self._block(some)
            self._digest.update(block)
            yield start, block
            start += len(some)
        if start != self.count:
            raise ValueError(f"{start} videos, but {self.count} were promised")

    def _next(self, rows: Iterator[VideoFeatures], size: int) -> list[VideoFeatures]:
        """Return the next rows; where they differ in length, not many frames at once."""
        if not self.meta.every:
            return list(islice(rows, size))
        some: list[VideoFeatures] = []
        while len(some) < size and sum(len(row.features) for row in some) < _BLOCK_FRAMES:
            if (row := next(rows, None)) is None:
                break
            some.append(row)
        return some

    def rest(self) -> dict[str, Array]:
        """Return the arrays of the table that are not one row for each video."""
        names = layout.strings(layout.to_bytes(name) for name in self.label_names)
        return {layout.LABEL_NAMES: names, **layout.failed_arrays(self.failed)}

    def extras(self) -> dict[str, Array]:
        """Return the arrays that are not of the table and not one row for each video."""
        return {} if self.augmentation is None else augmentation_arrays.to_arrays(self.augmentation)

    def attributes(self) -> dict[str, str | int]:
        """Return the root attributes; call it after the last block."""
        facts = layout.attributes(self.meta, self.root)
        facts[table_digest.ATTRIBUTE] = self._digest.render(self.rest())
        if self.augmentation is not None:
            facts[augmentation_arrays.ATTRIBUTE] = augmentation_arrays.to_attribute(
                self.augmentation
            )
        return {**facts, "journal": self.key} if self.key else facts

    def _block(self, rows: list[VideoFeatures]) -> RowBlock:
        block = self._sequences(rows) if self.meta.every else self._frames(rows)
        block[layout.PATH] = layout.strings(row.path for row in rows)
        block[layout.NOTE] = layout.strings(layout.to_bytes(row.note) for row in rows)
        ids = b"".join(row.video_id for row in rows)
        block["video/id"] = np.frombuffer(ids, np.uint8).reshape(len(rows), 32)
        block["video/labels"] = self._labels(rows)
        for column in layout.COLUMNS:
            if column.name not in block:
                block[column.name] = np.array([_fact(r, column.field) for r in rows], column.dtype)
        return block

    def _frames(self, rows: list[VideoFeatures]) -> dict[str, Array]:
        lines = [validation.arrays_of(row, self.meta) for row in rows]
        shapes = row_checksums.shapes_of(self.meta)
        found: dict[str, Array] = {}
        for name in (name for row_checksum in self._row_checksums for name in row_checksum.arrays):
            found[name] = np.empty(
                (len(rows), *shapes[name]), row_checksums.dtype_of(name, self.meta)
            )
            for place, line in enumerate(lines):
                found[name][place] = line[name]
        if not self.allow_nan and validation.invalid_reason_in(found):
            for row, line in zip(rows, lines, strict=True):
                if reason := validation.invalid_reason_in(line):
                    raise ValueError(f"{row!r}: {reason}")
        return found | {one.column: one.sums(found) for one in self._row_checksums}

    def _sequences(self, rows: list[VideoFeatures]) -> dict[str, Array]:
        """Return the frames of all rows one after the other, and where each row's are."""
        lines = [validation.arrays_of(row, self.meta) for row in rows]
        for row, line in zip(rows, lines, strict=True):
            reason = None if self.allow_nan else validation.invalid_reason_in(line)
            if reason:
                raise ValueError(f"{row!r}: {reason}")
        found: dict[str, Array] = {}
        shapes = row_checksums.shapes_of(self.meta, 0)
        for one in self._row_checksums:
            parts = {name: [line[name] for line in lines] for name in one.arrays}
            for name, arrays in parts.items():
                none = np.empty(shapes[name], row_checksums.dtype_of(name, self.meta))
                found[name] = np.concatenate([none, *arrays])
            found[one.column] = one.sums(parts)
        counts = np.array([len(row.features) for row in rows], "<i8")
        found[layout.START] = self._frames_before[0] + np.cumsum(counts, dtype="<i8") - counts
        found[layout.COUNT] = counts
        self._frames_before[0] += int(counts.sum())
        return found

    def _labels(self, rows: list[VideoFeatures]) -> npt.NDArray[np.uint8]:
        column_of = {name: column for column, name in enumerate(self.label_names)}
        labels = np.zeros((len(rows), len(column_of)), np.uint8)
        for line, row in zip(labels, rows, strict=True):
            unknown = [name for name in row.labels if name not in column_of]
            if unknown:
                raise ValueError(f"{row!r} has the label `{unknown[0]}`, which the store has not")
            line[[column_of[name] for name in row.labels]] = 1
        return labels


def _fact(row: VideoFeatures, name: str) -> object:
    return getattr(row.info if hasattr(row.info, name) else row, name)
