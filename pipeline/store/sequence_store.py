"""Store made per time: videos differ in the number of their frames.

It is read as any other store, too: then each video has T of its frames, the middles of T equal runs
of them.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import DamageError, StorageError
from . import layout
from .base import EVERY_FRAME, Rows, StoredFrames, row_numbers
from .integrity import faults, row_checksums
from .integrity.faults import FAULTS, read_errors
from .integrity.row_checksums import RowChecksum
from .layout import Array
from .reader import Arrays, ArrayStore

_ROWS = 16  # that are checked at once


def array_store(path: Path, arrays: Arrays, *, read_table: bool = True) -> ArrayStore:
    """Return the store of some arrays, of whichever version it is; see :class:`ArrayStore`.

    Raises:
        DamageError: If the columns are altered.
        UsageError: If a later chainpipe made it.
    """
    with read_errors(path, " in its attributes"):
        per_time = arrays.attributes()["version"] == layout.PER_TIME
    kind = SequenceStore if per_time else ArrayStore
    return kind(path, arrays, read_table=read_table)


class SequenceStore(ArrayStore):
    """A finished store made per time; see ``ArrayStore``."""

    def sequence(self, row: int, part: slice = EVERY_FRAME) -> StoredFrames:
        """Return the frames of one video, or a part of them, of which only that is read.

        Raises:
            DamageError: If their bytes are altered.
            IndexError: If there is no such row.
        """
        number = int(row_numbers(np.array([row]), self._count)[0])
        names = row_checksums.FEATURES, row_checksums.SECONDS, row_checksums.INDEX
        return StoredFrames(*(self._frames(name, number, part) for name in names))

    def sequence_features(self, row: int, part: slice = EVERY_FRAME) -> npt.NDArray[np.floating]:
        """Return the features of the frames of one video; raises as :meth:`sequence`."""
        number = int(row_numbers(np.array([row]), self._count)[0])
        return self._frames(row_checksums.FEATURES, number, part)

    def sequence_seconds(self, row: int) -> npt.NDArray[np.float64]:
        """Return when the frames of one video are shown, (T,); raises as :meth:`sequence`."""
        number = int(row_numbers(np.array([row]), self._count)[0])
        return self._frames(row_checksums.SECONDS, number)

    def counts(self) -> npt.NDArray[np.int64]:
        """Return the number of frames of each video, (N,).

        Raises:
            DamageError: If the table of videos is altered, and was not read before.
        """
        return np.asarray(self._table.rest[layout.COUNT], np.int64)

    def _read(self, name: str, rows: Rows) -> npt.NDArray[Any]:
        """Read T frames of each row: the middles of T equal runs of its frames."""
        numbers = row_numbers(rows, self._count)
        shape = self._shapes[name]
        out = np.empty((len(numbers), *shape), row_checksums.dtype_of(name, self.meta))
        if self._row_checksum(name) is None:
            return out
        t = self.meta.frames
        for place, number in enumerate(numbers.tolist()):
            frames = self._frames(name, number)
            out[place] = frames[(2 * np.arange(t) + 1) * len(frames) // (2 * t)]
        return out

    def _frames(self, name: str, number: int, part: slice = EVERY_FRAME) -> npt.NDArray[Any]:
        """Read frames of one row; where the format reports damage, the row's checksum decides."""
        row_checksum = self._row_checksum(name)
        assert row_checksum is not None
        run = self._run(number)
        first, after, _ = part.indices(run.stop - run.start)
        wanted = slice(run.start + first, run.start + max(first, after))
        try:
            found = self._arrays.take(name, wanted)
            if len(found) != wanted.stop - wanted.start:
                raise ValueError(f"{len(found)} frames of {wanted.stop - wanted.start}")
        except FAULTS as error:
            fault = faults.fault(self.path, error)
            if isinstance(fault, StorageError):
                raise fault from error
            with suppress(DamageError, *FAULTS):
                parts = {each: self._arrays.raw(each, run) for each in row_checksum.arrays}
                self._compare_frames(row_checksum, parts, number)
                return np.asarray(parts[name][part])
            raise faults.damaged_rows(self.path, (name,), [number]) from error
        return found

    def _compare_frames(
        self, row_checksum: RowChecksum, parts: dict[str, Array], number: int
    ) -> None:
        rows = {name: [frames] for name, frames in parts.items()}
        self._compare(row_checksum, rows, np.array([number]))

    def _run(self, number: int) -> slice:
        start, count = (int(self._table.rest[c][number]) for c in (layout.START, layout.COUNT))
        return slice(start, start + count)

    def _bad(self, row_checksum: RowChecksum) -> list[int]:
        def check(rows: range) -> None:
            for number in rows:
                parts = {name: self._frames(name, number) for name in row_checksum.arrays}
                self._compare_frames(row_checksum, parts, number)

        return faults.bad_rows(check, self._count, at_once=_ROWS)
