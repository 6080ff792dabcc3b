"""The arrays of an HDF5 store: read row by row, checked by the format's own checksums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.errors import DamageError
from pipeline.store import faults, layout, packed, userblock
from pipeline.store.base import Rows
from pipeline.store.layout import Array


class Hdf5Arrays:
    """An open ``.h5`` file, see :class:`pipeline.store.reader.Arrays`.

    Args:
        path: The file.

    Raises:
        NotFoundError: If the file is no feature store.
        DamageError: If its first 512 bytes or its length are altered, or HDF5 cannot open it.
    """

    checked = True

    def __init__(self, path: Path) -> None:
        self._path = path
        with faults.reading(path):
            self._sha256 = userblock.claimed(path)
        self._file = self._open()
        try:
            self._identify()
        except BaseException:
            self.close()
            raise

    def _open(self) -> Any:
        try:  # the file never changes, so there is nothing to lock
            return h5py.File(self._path, "r", locking=False)
        except faults.FAULTS as error:
            if self._sha256 is None:
                raise faults.not_a_store(self._path) from error
            raise faults.fault(self._path, error) from error

    def _identify(self) -> None:
        if self._sha256 is not None:
            return
        try:
            ours = self.attributes().get("format") == layout.FORMAT
        except faults.FAULTS:
            ours = False
        if not ours:
            raise faults.not_a_store(self._path)
        where = f"in its first {userblock.SIZE} bytes"
        raise DamageError(f"`{self._path}` is damaged {where}", hint=faults.REPAIR)

    def attributes(self) -> Mapping[str, object]:
        """Return the root attributes."""
        return {name: _python(value) for name, value in self._file.attrs.items()}

    def whole(self, name: str) -> Array:
        """Return an array; strings come from their checksummed copy."""
        if name in layout.STRINGS:
            run, offsets = (self._file[part][()] for part in packed.names_of(name))
            return packed.unpack(run, offsets)
        return np.asarray(self._file[name][()])

    def take(self, name: str, rows: Rows) -> Array:
        """Read a run at once and scattered rows one by one: h5py's lists are 70 times slower."""
        data = self._file[name]
        if isinstance(rows, slice):
            return np.asarray(data[rows])
        out = np.empty((len(rows), *data.shape[1:]), data.dtype)
        for place, row in enumerate(rows.tolist()):
            out[place] = data[row]
        return out

    def damage(self) -> Iterator[str]:
        """Compare the bytes after the user block with the SHA-256 in it."""
        if userblock.digest(self._path) != self._sha256:
            yield f"`{self._path}`: the bytes differ from those written (SHA-256)"

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def _python(value: object) -> object:
    if isinstance(value, bytes):
        return layout.to_text(value)
    return value.item() if isinstance(value, np.generic) else value
