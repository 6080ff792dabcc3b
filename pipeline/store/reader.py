"""Read a feature store; a file format supplies its arrays by name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import DamageError, StorageError
from ..records import AugmentationStatistics, FailedVideo, VideoTable
from . import augmentation_arrays, layout
from .base import Rows, SameLengths, row_numbers
from .integrity import faults, row_checksums, table_digest
from .integrity.faults import FAULTS, read_errors
from .integrity.row_checksums import RowChecksum
from .layout import Array

RowArrays = Array | list[Array]  # the rows of an array, in a list where they differ in length


class Arrays(Protocol):
    """A file format: named arrays and root attributes."""

    def attributes(self) -> Mapping[str, object]:
        """Return the root attributes."""
        ...

    def whole(self, name: str) -> Array:
        """Return an array."""
        ...

    def length(self, name: str) -> int:
        """Return the number of rows of an array."""
        ...

    def take(self, name: str, rows: Rows) -> Array:
        """Return some rows of an array; numbers are in range, slices have step one."""
        ...

    def raw(self, name: str, rows: slice) -> Array:
        """Return consecutive rows as stored, without checking the format's checksums."""
        ...

    def checked(self, name: str) -> bool:
        """Whether :meth:`take` never gives wrong rows of this array without an error."""
        ...

    def damage(self) -> Iterator[str]:
        """Yield what differs from the bytes that were written."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


class _Table(NamedTuple):
    """What is read of all videos at once; ``sums`` are the row checksums by column."""

    videos: VideoTable
    failed: tuple[FailedVideo, ...]
    sums: Mapping[str, Array]
    rest: Mapping[str, Array]  # columns of the format that the table of videos has not


class ArrayStore(SameLengths):
    """A finished store, see ``FeatureStore``.

    Opening checks the columns of all videos, reading checks each row, :meth:`damage` every byte.

    Args:
        path: The file or folder, for messages.
        arrays: Its content.
        read_table: Read the columns of all videos now; otherwise on their first use.

    Attributes:
        key: Of the journal that this is a part of, empty in a finished store.

    Raises:
        DamageError: If the columns are altered.
        UsageError: If a later chainpipe made it.
    """

    def __init__(self, path: Path, arrays: Arrays, *, read_table: bool = True) -> None:
        self.path = path
        self._arrays = arrays
        with read_errors(path, " in its attributes"):
            self._facts = arrays.attributes()
            faults.check_version(path, self._facts["version"])
            self.meta, self.root = layout.meta_of(self._facts)
            self.key = str(self._facts.get("journal", ""))
            self._recorded = str(self._facts[table_digest.ATTRIBUTE])
            self._names = table_digest.names_in(self._recorded)
        with read_errors(path, " in `video/id`"):
            self._count = arrays.length("video/id")
        self._row_checksums = row_checksums.row_checksums_of(self.meta)
        self._shapes = row_checksums.shapes_of(self.meta)
        if read_table:
            _ = self._table

    @cached_property
    def _table(self) -> _Table:
        found = {}
        for name in self._names:
            with read_errors(self.path, f" in `{name}`"):
                found[name] = self._arrays.whole(name)
        if bad := table_digest.altered(self._recorded, found):
            raise DamageError(f"`{self.path}` is damaged in {', '.join(bad)}", hint=faults.REPAIR)
        with read_errors(self.path, " in its table of videos"):
            columns = [one.column for one in self._row_checksums]
            sums = {name: found[name] for name in columns if name in found}
            rest = {name: found[name] for name in (layout.START, layout.COUNT) if name in found}
            return _Table(layout.table_of(found), layout.failed_of(found), sums, rest)

    @cached_property
    def videos(self) -> VideoTable:
        """The columns of all videos.

        Raises:
            DamageError: If they are altered, and were not read before.
        """
        return self._table.videos

    @cached_property
    def failed(self) -> tuple[FailedVideo, ...]:
        """The videos without a row; raises as :attr:`videos`."""
        return self._table.failed

    @cached_property
    def table_sha256(self) -> str:
        """SHA-256 over the recorded digests of the columns of all videos, hexadecimal."""
        return hashlib.sha256(self._recorded.encode()).hexdigest()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (N, T, D)."""
        return self._count, self.meta.frames, self.meta.fingerprint.dim

    def features(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of some rows, (n, T, D), in the store's dtype.

        Args:
            rows: A slice, or row numbers in any order, negative ones counting from the end.

        Raises:
            DamageError: If a row's bytes are altered; it names the rows.
            IndexError: If there is no such row.
        """
        return self._read(row_checksums.FEATURES, rows)

    def seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return each frame's presentation time in seconds, (n, T); raises as :meth:`features`."""
        return self._read(row_checksums.SECONDS, rows)

    def index(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return each frame's index in presentation order, (n, T); raises likewise."""
        return self._read(row_checksums.INDEX, rows)

    def candidates(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of each segment's candidates, (n, T, C, D); raises likewise."""
        return self._read(row_checksums.CANDIDATES, rows)

    def candidate_seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return each candidate's presentation time in seconds, (n, T, C); raises likewise."""
        return self._read(row_checksums.CANDIDATE_SECONDS, rows)

    def candidate_index(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return each candidate's index in presentation order, (n, T, C); raises likewise."""
        return self._read(row_checksums.CANDIDATE_INDEX, rows)

    def views(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of the augmented views, (n, V, T, D); raises likewise."""
        return self._read(row_checksums.VIEWS, rows)

    def augmentation(self) -> AugmentationStatistics | None:
        """Return the statistics of feature shifts under augmentation, if measured.

        Raises:
            DamageError: If its bytes are altered.
        """
        if (attribute := self._facts.get(augmentation_arrays.ATTRIBUTE)) is None:
            return None
        with read_errors(self.path, " in its augmentation statistics"):
            found = {name: self._arrays.whole(name) for name in augmentation_arrays.NAMES}
            return augmentation_arrays.read(str(attribute), found)

    def damage(self) -> Iterator[str]:
        """Check every byte; yield one line for each damage, with the rows it touches."""
        yield from self._arrays.damage()
        for row_checksum in self._row_checksums:
            if bad := self._bad(row_checksum):
                yield faults.row_line(self.path, row_checksum.arrays, bad)
        try:
            self.augmentation()
        except DamageError as error:
            yield str(error)

    def bad_rows(self) -> list[int]:
        """Read all rows; return those with any damaged array."""
        return sorted(
            {row for row_checksum in self._row_checksums for row in self._bad(row_checksum)}
        )

    def close(self) -> None:
        """Release the file."""
        self._arrays.close()

    def __enter__(self) -> ArrayStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        n, t, d = self.shape
        return f"ArrayStore({str(self.path)!r}, {n} videos x {t} frames x {d})"

    def _row_checksum(self, name: str) -> RowChecksum | None:
        return next(
            (row_checksum for row_checksum in self._row_checksums if name in row_checksum.arrays),
            None,
        )

    def _read(self, name: str, rows: Rows) -> npt.NDArray[Any]:
        """Read rows; where the format reports damage, the row's own checksum decides."""
        numbers = row_numbers(rows, self._count)
        row_checksum = self._row_checksum(name)
        if row_checksum is None:
            return np.empty(
                (len(numbers), *self._shapes[name]), row_checksums.dtype_of(name, self.meta)
            )
        wanted: Rows = numbers
        if isinstance(rows, slice) and rows.step in (None, 1):
            start = rows.indices(self._count)[0]
            wanted = slice(start, start + len(numbers))
        try:
            found = self._arrays.take(name, wanted)
        except FAULTS as error:
            fault = faults.fault(self.path, error)
            if isinstance(fault, StorageError):
                raise fault from error
            return self._salvage(row_checksum, name, numbers, error)
        if not self._arrays.checked(name):
            self._compare(row_checksum, {name: found}, numbers)
        return found

    def _compare(
        self, row_checksum: RowChecksum, rows: Mapping[str, RowArrays], numbers: Array
    ) -> None:
        """Raise unless the rows of all arrays match their row checksums."""
        sums = self._table.sums.get(row_checksum.column)
        if sums is None:  # version 0.1.0 had none for times
            return
        differ = (row_checksum.sums(rows) != sums[numbers]).any(axis=1)
        if differ.any():
            bad = sorted(set(numbers[differ].tolist()))
            raise faults.damaged_rows(self.path, row_checksum.arrays, bad)

    def _salvage(
        self, row_checksum: RowChecksum, name: str, numbers: Array, error: Exception
    ) -> npt.NDArray[Any]:
        rows: dict[int, Array] = {}
        for number in dict.fromkeys(numbers.tolist()):
            with suppress(DamageError, *FAULTS):
                rows[number] = self._raw_row(row_checksum, name, number)
        if bad := sorted(set(numbers.tolist()) - rows.keys()):
            raise faults.damaged_rows(self.path, (name,), bad) from error
        return np.stack([rows[number] for number in numbers.tolist()])

    def _raw_row(self, row_checksum: RowChecksum, name: str, number: int) -> Array:
        """Return one row as stored, if its checksum matches."""
        run = slice(number, number + 1)
        if row_checksum.column not in self._table.sums:
            return np.asarray(self._arrays.take(name, run)[0])
        rows = {each: self._arrays.raw(each, run) for each in row_checksum.arrays}
        self._compare(row_checksum, rows, np.arange(number, number + 1))
        return np.asarray(rows[name][0])

    def _bad(self, row_checksum: RowChecksum) -> list[int]:
        def check(rows: range) -> None:
            run = slice(rows.start, rows.stop)
            self._compare(
                row_checksum, {n: self._read(n, run) for n in row_checksum.arrays}, np.array(rows)
            )

        return faults.bad_rows(check, self._count)
