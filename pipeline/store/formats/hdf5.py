"""Read arrays of an HDF5 store row by row, checked by the format's own checksums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...errors import DamageError
from .. import layout
from ..base import Rows
from ..integrity import faults
from ..layout import Array
from . import hdf5_userblock, packed_strings

_FLETCHER = 4  # bytes of checksum at the end of a chunk


class Hdf5Arrays:
    """An open ``.h5`` file, see ``Arrays``.

    Args:
        path: The file.
        lenient: Whether the first 512 bytes, the length and the chunks' checksums may be wrong.

    Raises:
        NotFoundError: If the file is no feature store.
        DamageError: If its first 512 bytes or its length are altered, or HDF5 cannot open it.
    """

    def __init__(self, path: Path, *, lenient: bool = False) -> None:
        self._path, self._lenient = path, lenient
        self._sha256: str | None = None
        self._fault: DamageError | None = None
        with faults.read_errors(path):
            self._claim()
        self._file = self._open()
        try:
            self._identify()
        except BaseException:
            self.close()
            raise

    def _claim(self) -> None:
        try:
            self._sha256 = hdf5_userblock.recorded_sha256(self._path)
        except DamageError as error:
            if not self._lenient:
                raise
            self._fault = error

    def _open(self) -> Any:
        try:  # the file never changes, so there is nothing to lock
            return h5py.File(self._path, "r", locking=False)
        except faults.FAULTS as error:
            if self._fault is not None:
                raise self._fault from error
            if self._sha256 is None:
                raise faults.not_a_store(self._path) from error
            raise faults.fault(self._path, error) from error

    def _identify(self) -> None:
        if self._sha256 is not None or self._fault is not None:
            return
        try:
            ours = self.attributes().get("format") == layout.FORMAT
        except faults.FAULTS:
            ours = False
        if not ours:
            raise faults.not_a_store(self._path)
        where = f"in its first {hdf5_userblock.SIZE} bytes"
        self._fault = DamageError(f"`{self._path}` is damaged {where}", hint=faults.REPAIR)
        if not self._lenient:
            raise self._fault

    def attributes(self) -> Mapping[str, object]:
        """Return the root attributes."""
        return {name: _python(value) for name, value in self._file.attrs.items()}

    def whole(self, name: str) -> Array:
        """Return an array; strings come from their checksummed copy."""
        try:
            if name in layout.STRINGS:
                run, offsets = (self._file[part][()] for part in packed_strings.names_of(name))
                return packed_strings.unpack(run, offsets)
            return np.asarray(self._file[name][()])
        except faults.FAULTS:
            if not self._lenient:
                raise
        if name in layout.STRINGS:  # the copy for others, after which the digest decides
            return layout.strings(bytes(item) for item in self._file[name][()])
        return self.raw(name, slice(0, len(self._file[name])))

    def length(self, name: str) -> int:
        """Return the number of rows of an array."""
        return len(self._file[name])

    def take(self, name: str, rows: Rows) -> Array:
        """Read a run at once and scattered rows one by one: h5py's lists are 70 times slower."""
        data = self._file[name]
        if isinstance(rows, slice):
            return np.asarray(data[rows])
        out = np.empty((len(rows), *data.shape[1:]), data.dtype)
        for place, row in enumerate(rows.tolist()):
            out[place] = data[row]
        return out

    def raw(self, name: str, rows: slice) -> Array:
        """Read the chunks past the library's checksums."""
        data = self._file[name]
        if data.chunks is None:
            return np.asarray(data[rows])
        step, rest = data.chunks[0], [0] * (data.ndim - 1)
        found = []
        for start in range(rows.start // step * step, rows.stop, step):
            _, run = data.id.read_direct_chunk((start, *rest))
            values = np.frombuffer(run[:-_FLETCHER], data.dtype).reshape(data.chunks)
            found.append(values[max(0, rows.start - start) : rows.stop - start])
        return np.concatenate(found) if found else np.asarray(data[rows])

    def checked(self, name: str) -> bool:
        """Each chunk has a checksum, and one that is missing is an altered index, which has too."""
        return True

    def damage(self) -> Iterator[str]:
        """Compare the bytes after the user block with the SHA-256 in it."""
        if self._fault is not None:
            yield str(self._fault)
        elif hdf5_userblock.digest(self._path) != self._sha256:
            yield f"`{self._path}`: the bytes differ from those written (SHA-256)"

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def _python(value: object) -> object:
    if isinstance(value, bytes):
        return layout.to_text(value)
    return value.item() if isinstance(value, np.generic) else value
