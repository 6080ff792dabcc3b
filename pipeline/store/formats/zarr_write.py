"""Write a zarr store: sharded, crc32c on every chunk, its root metadata last."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec
from zarr.dtype import VariableLengthBytes
from zarr.errors import UnstableSpecificationWarning
from zarr.storage import LocalStore

from .. import layout
from ..contents import StoreContents
from ..integrity.row_checksums import FEATURE_ARRAYS
from ..layout import Array, RowBlock
from . import zarr_format
from .zarr_format import CHUNK, ROOT, SHARD, rows_per_file


def write_zarr(path: Path, contents: StoreContents) -> None:
    """Write a whole store into the new folder ``path``.

    Raises:
        ValueError: If the rows do not fit the contents' own facts.
        OSError: If the disk does not take it.
    """
    path.mkdir()
    store = LocalStore(path)
    blank, growing = contents.blank(), contents.frame_arrays
    arrays = {
        name: _create(store, name, contents.count, like)
        for name, like in blank.items()
        if name not in growing
    }
    appended = [_Appended(store, name, blank[name]) for name in growing]
    whole = {*FEATURE_ARRAYS, *growing}  # not held back
    pending: list[tuple[int, RowBlock]] = []
    for start, block in contents.blocks(SHARD):
        for name in (name for name in FEATURE_ARRAYS if name in block and name not in growing):
            arrays[name][start : start + len(block[name])] = block[name]
        for one in appended:
            one.add(block[one.name])
        pending.append((start, {n: a for n, a in block.items() if n not in whole}))
        if sum(len(rows[layout.PATH]) for _, rows in pending) >= CHUNK:
            _put(arrays, pending)
    _put(arrays, pending)
    for one in appended:
        one.finish()
    for name, values in {**contents.rest(), **contents.extras()}.items():
        array = _create(store, name, len(values), values)
        array[:] = values
    _commit(path, contents)


class _Appended:
    """An array of frames that grows by whole files, so that none is read back to be changed."""

    def __init__(self, store: LocalStore, name: str, like: Array) -> None:
        self.name = name
        self._rest, self._size = like.shape[1:], rows_per_file(name, per_time=True)
        self._array = zarr.create_array(
            store,
            name=name,
            shape=(0, *self._rest),
            dtype=like.dtype,
            chunks=(self._size, *(max(1, length) for length in self._rest)),
            compressors=[Crc32cCodec()],
            config={"write_empty_chunks": True},
        )
        self._waiting = [like]

    def add(self, frames: Array) -> None:
        """Add some frames."""
        self._waiting.append(frames)
        if sum(map(len, self._waiting)) >= self._size:
            frames = np.concatenate(self._waiting)
            full = len(frames) // self._size * self._size
            self._write(frames[:full])
            self._waiting = [frames[full:].copy()]

    def finish(self) -> None:
        """Write what is left."""
        self._write(np.concatenate(self._waiting))

    def _write(self, frames: Array) -> None:
        start = self._array.shape[0]
        if len(frames):
            self._array.resize((start + len(frames), *self._rest))
            self._array[start:] = frames


def _commit(path: Path, contents: StoreContents) -> None:
    """Write the root metadata twice: the second one is the commit, the first a spare."""
    files = zarr_format.files_below(path)
    headers = {name: (path / name).read_text() for name in files if name.endswith(f"/{ROOT}")}
    whole = zarr_format.render({**contents.attributes(), "files": files, "headers": headers})
    (path / zarr_format.SPARE).write_bytes(whole)
    (path / ROOT).write_bytes(whole)


def _put(arrays: dict[str, Any], pending: list[tuple[int, RowBlock]]) -> None:
    """Write whole files of the small arrays, so that none is read back to be changed."""
    if not pending:
        return
    start = pending[0][0]
    for name in pending[0][1]:
        values = np.concatenate([block[name] for _, block in pending])
        arrays[name][start : start + len(values)] = values
    pending.clear()


def _create(store: LocalStore, name: str, count: int, like: Array) -> Any:
    text = like.dtype == np.dtype(object)
    sharded = name in FEATURE_ARRAYS
    rest = like.shape[1:]
    one = tuple(max(1, length) for length in rest)
    with warnings.catch_warnings():  # variable-length bytes have no final zarr specification yet
        warnings.simplefilter("ignore", UnstableSpecificationWarning)
        return zarr.create_array(
            store,
            name=name,
            shape=(count, *rest),
            dtype=VariableLengthBytes() if text else like.dtype,
            chunks=(1 if sharded else max(1, min(count, CHUNK)), *one),
            shards=(SHARD, *one) if sharded else None,
            compressors=[Crc32cCodec()],
            config={"write_empty_chunks": True},
        )
