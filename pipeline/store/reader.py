"""The feature store that people read, over arrays that some file format gives by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.errors import StorageError
from pipeline.store import faults, layout
from pipeline.store.base import Rows
from pipeline.store.contents import checksum
from pipeline.store.faults import FAULTS, reading
from pipeline.store.layout import Array


class Arrays(Protocol):
    """A file format: named arrays and root attributes.

    Attributes:
        checked: Whether :meth:`take` never gives wrong bytes without an error.
    """

    checked: bool

    def attributes(self) -> Mapping[str, object]:
        """Return the root attributes."""
        ...

    def whole(self, name: str) -> Array:
        """Return an array."""
        ...

    def take(self, name: str, rows: Rows) -> Array:
        """Return some rows of an array; numbers are in range, slices have step one."""
        ...

    def damage(self) -> Iterator[str]:
        """Yield what differs from the bytes that were written."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


class ArrayStore:
    """A finished store, see :class:`pipeline.store.base.FeatureStore`.

    Opening checks the columns of all videos, reading checks each row, :meth:`damage` every byte.

    Args:
        path: The file or folder, for messages.
        arrays: Its content.

    Raises:
        DamageError: If the columns are altered.
        UsageError: If a later chainpipe made it.
    """

    def __init__(self, path: Path, arrays: Arrays) -> None:
        self.path = path
        self._arrays = arrays
        with reading(path, " in its attributes"):
            facts = arrays.attributes()
            faults.check_version(path, facts["version"])
            self.meta, self.root = layout.meta_of(facts)
        with reading(path, " in its table of videos"):
            found = {name: arrays.whole(name) for name in layout.TABLE}
            if layout.digest_of(found) != facts["table_sha256"]:
                raise ValueError("the table's digest differs")
            self.videos = layout.table_of(found)
            self.failed = layout.failed_of(found)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (N, T, D)."""
        return len(self.videos), self.meta.frames, self.meta.fingerprint.dim

    def features(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of some rows, (n, T, D), in the store's dtype.

        Args:
            rows: A slice, or row numbers in any order, negative ones counting from the end.

        Raises:
            DamageError: If a row's bytes are altered; it names the rows.
            IndexError: If there is no such row.
        """
        found = self._read(layout.FEATURES, rows)
        if not self._arrays.checked:
            self._compare(found, _numbers(rows, len(self.videos)))
        return found

    def seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return the shown second of each frame, (n, T); raises as :meth:`features` does."""
        return self._read(layout.SECONDS, rows)

    def index(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return each frame's number in presentation order, (n, T); raises likewise."""
        return self._read(layout.INDEX, rows)

    def damage(self) -> Iterable[str]:
        """Check every byte; yield one line for each damage, with the rows it touches."""
        yield from self._arrays.damage()
        for name in (layout.FEATURES, layout.SECONDS, layout.INDEX):
            if bad := faults.bad_rows(partial(self._check, name), len(self.videos)):
                yield faults.row_line(self.path, name, bad)

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

    def _read(self, name: str, rows: Rows) -> npt.NDArray[Any]:
        numbers = _numbers(rows, len(self.videos))
        wanted: Rows = numbers
        if isinstance(rows, slice) and rows.step in (None, 1):
            start = rows.indices(len(self.videos))[0]
            wanted = slice(start, start + len(numbers))
        try:
            return self._arrays.take(name, wanted)
        except FAULTS as error:
            fault = faults.fault(self.path, error)
            bad = [row for row in numbers.tolist() if not self._readable(name, row)]
            if isinstance(fault, StorageError) or not bad:
                raise fault from error
            raise faults.damaged_rows(self.path, name, sorted(set(bad))) from error

    def _compare(self, found: npt.NDArray[np.floating], numbers: npt.NDArray[np.int64]) -> None:
        sums = self.videos.checksums[numbers]
        pairs = zip(numbers.tolist(), found, sums, strict=True)
        bad = [number for number, row, wanted in pairs if checksum(row) != wanted.tobytes()]
        if bad:
            raise faults.damaged_rows(self.path, layout.FEATURES, sorted(set(bad)))

    def _readable(self, name: str, row: int) -> bool:
        try:
            self._arrays.take(name, slice(row, row + 1))
        except FAULTS:
            return False
        return True

    def _check(self, name: str, rows: range) -> None:
        found = self._read(name, slice(rows.start, rows.stop))
        if name == layout.FEATURES:
            self._compare(found, np.array(rows))


def _numbers(rows: Rows, count: int) -> npt.NDArray[np.int64]:
    """Return row numbers from 0 to ``count`` - 1."""
    if isinstance(rows, slice):
        return np.arange(count)[rows]
    numbers = np.asarray(rows)
    if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
        raise IndexError(f"rows are a list of numbers, not {numbers.dtype} {numbers.shape}")
    bad = numbers[(numbers < -count) | (numbers >= count)]
    if bad.size:
        raise IndexError(f"row {bad[0]} of {count} rows")
    return numbers.astype(np.int64) % count
