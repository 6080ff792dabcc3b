"""Read arrays of a zarr store; a missing file is an error, never zeros."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.errors import UnstableSpecificationWarning
from zarr.storage import LocalStore, StorePath

from ...errors import DamageError
from .. import layout
from ..base import Rows
from ..integrity import faults
from ..layout import Array
from . import zarr_format


class ZarrArrays:
    """An open ``.zarr`` folder, see ``Arrays``.

    Args:
        path: The folder.
        lenient: Whether metadata that has a copy and the arrays' checksums may be wrong.

    Raises:
        NotFoundError: If the folder is no feature store.
        DamageError: If any metadata is missing or altered.
    """

    def __init__(self, path: Path, *, lenient: bool = False) -> None:
        self._path, self._lenient = path, lenient
        self._facts = zarr_format.read_root(path, lenient=lenient)
        with faults.read_errors(path, " in its attributes"):
            self._files: dict[str, tuple[int, str]] = dict(self._facts["files"])
            self._headers: dict[str, str] = dict(self._facts.get("headers", {}))
        self._insist(name for name in self._files if name.endswith(f"/{zarr_format.ROOT}"))
        self._arrays: dict[str, Any] = {}
        self._per_time = self._facts.get("version") == layout.PER_TIME

    def attributes(self) -> Mapping[str, object]:
        """Return the root attributes."""
        return self._facts

    def whole(self, name: str) -> Array:
        """Return an array."""
        self._insist(file for file in self._files if file.startswith(f"{name}/c/"))
        array = self._array(name)
        try:
            return np.asarray(array[...])
        except faults.FAULTS:
            if not self._lenient or array.dtype == np.dtype(object):
                raise
        return self.raw(name, slice(0, self.length(name)))

    def length(self, name: str) -> int:
        """Return the number of rows of an array."""
        return int(self._array(name).shape[0])

    def take(self, name: str, rows: Rows) -> Array:
        """Read a run at once and scattered rows one by one: zarr's lists take twice as long."""
        array = self._array(name)
        if isinstance(rows, slice):
            self._demand(name, np.arange(rows.start, rows.stop))
            return np.asarray(array[rows])
        self._demand(name, rows)
        out = np.empty((len(rows), *array.shape[1:]), array.dtype)
        for place, row in enumerate(rows.tolist()):
            out[place] = array[row]
        return out

    def raw(self, name: str, rows: slice) -> Array:
        """Read rows directly from their files, without zarr's index and checksums."""
        array = self._array(name)
        size = array.dtype.itemsize * int(np.prod(array.shape[1:]))
        out = np.empty((rows.stop - rows.start, size), np.uint8)
        for place, row in enumerate(range(rows.start, rows.stop)):
            number, start = zarr_format.place_of(name, row, size, per_time=self._per_time)
            with open(self._path / zarr_format.file_of(name, number, array.ndim), "rb") as file:
                file.seek(start)
                out[place] = np.frombuffer(file.read(size), np.uint8)
        little = array.dtype.newbyteorder("<")
        return np.asarray(out.view(little).reshape(len(out), *array.shape[1:]))

    def checked(self, name: str) -> bool:
        """A chunk that is missing inside a shard reads as zeros; one that is a file is missed."""
        return not zarr_format.is_sharded(name, per_time=self._per_time)

    def damage(self) -> Iterator[str]:
        """Compare every file with the size and SHA-256 in the root metadata; name the others."""
        yield from zarr_format.root_damage(self._path, self._facts)
        for name in self._files:
            if fault := self._fault(name):
                yield fault
        for name in sorted(zarr_format.names_below(self._path) - self._files.keys()):
            yield f"`{self._path / name}` does not belong to the store"

    def close(self) -> None:
        """Forget the arrays; no file is held open between reads."""
        self._arrays.clear()

    def _array(self, name: str) -> Any:
        if name not in self._arrays:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UnstableSpecificationWarning)
                self._arrays[name] = self._open(name)
        return self._arrays[name]

    def _open(self, name: str) -> Any:
        header = self._headers.get(f"{name}/{zarr_format.ROOT}")
        if header is None:  # version 0.1.0 kept no copies
            return zarr.open_array(self._path / name, mode="r")
        place = StorePath(LocalStore(self._path, read_only=True), name)
        return zarr.Array.from_dict(place, json.loads(header))

    def _insist(self, names: Iterable[str]) -> None:
        """Raise unless some files are as they were written."""
        for name in () if self._lenient else names:
            if fault := self._fault(name):
                raise DamageError(fault, hint=faults.REPAIR)

    def _demand(self, name: str, rows: np.ndarray[Any, np.dtype[np.int64]]) -> None:
        """Raise unless the files of some rows are there in full length."""
        array = self._array(name)
        if array.size == 0:
            return
        per_file = zarr_format.rows_per_file(name, per_time=self._per_time)
        for number in np.unique(rows // per_file).tolist():
            file = zarr_format.file_of(name, number, array.ndim)
            if (self._path / file).stat().st_size != self._files[file][0]:
                raise ValueError(f"`{file}` has another length than written")

    def _fault(self, name: str) -> str | None:
        path = self._path / name
        if not path.is_file():
            return f"`{path}` is missing"
        size, sha256 = self._files[name]
        if path.stat().st_size != size or zarr_format.sha256_of(path) != sha256:
            return f"`{path}` is altered"
        return None
