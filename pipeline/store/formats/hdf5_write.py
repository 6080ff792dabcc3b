"""Write an HDF5 store: one file, written once, with checksums in every layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .. import layout
from ..contents import StoreContents
from ..integrity import row_checksums
from ..layout import Array
from . import hdf5_userblock, packed_strings
from .hdf5_spool import Spool

# HDF5 1.10's format: its metadata carries checksums, which the older default does not.
_FORMAT = ("v110", "v110")
_BLOCK = 64, 256  # fewest and most rows handed over at once
_BLOCK_BYTES = 1 << 24  # between the two
_CHUNK = 1 << 16  # bytes of a chunk of the small arrays
_BYTES = h5py.string_dtype("ascii")
_TEXT = h5py.string_dtype("utf-8")


def write_hdf5(path: Path, contents: StoreContents) -> None:
    """Write a whole store to ``path`` and stamp its user block.

    Raises:
        ValueError: If the rows do not fit the contents' own facts.
        OSError: If the disk does not take it.
    """
    spool = Spool(path)
    try:
        # No `with`: an error must not leave the library's file open in an exception's frames.
        file = h5py.File(spool, "w", libver=_FORMAT, userblock_size=hdf5_userblock.SIZE)
        try:
            _fill(file, contents, spool)
        finally:
            file.close()
        spool.check()
    finally:
        spool.close()
    hdf5_userblock.stamp(path)


def _fill(file: Any, contents: StoreContents, spool: Spool) -> None:
    blank, growing = contents.blank(), contents.frame_arrays
    for name, like in blank.items():
        if name in growing:
            _create_growing(file, name, like)
        else:
            _create(file, name, (contents.count, *like.shape[1:]), like.dtype)
    # Held open: a dataset that is closed forgets its chunk cache, and half a chunk is read again.
    datasets = {name: file[name] for name in blank}
    texts: dict[str, list[bytes]] = {layout.PATH: [], layout.NOTE: []}
    row = sum(like.itemsize * math.prod(like.shape[1:]) for like in blank.values())
    size = min(max(_BLOCK_BYTES // row, _BLOCK[0]), _BLOCK[1])
    for start, block in contents.blocks(size):
        for name, values in block.items():
            at = start
            if name in growing:
                at = len(datasets[name])
                datasets[name].resize(at + len(values), axis=0)
            if values.size:
                datasets[name][at : at + len(values)] = values
        for name, items in texts.items():
            items += block[name].tolist()
        spool.check()
    for name, values in {**contents.rest(), **contents.extras()}.items():
        _put(file, name, values)
        if name in layout.STRINGS:
            _put_packed(file, name, values.tolist())
    for name, items in texts.items():
        _put_packed(file, name, items)
    _put_attributes(file, contents.attributes())


def _put(file: Any, name: str, values: Array) -> None:
    _create(file, name, values.shape, values.dtype)
    if values.size:
        file[name][:] = values


def _put_packed(file: Any, name: str, items: list[bytes]) -> None:
    run, offsets = packed_strings.names_of(name)
    values = packed_strings.pack(items)
    _put(file, run, values[0])
    _put(file, offsets, values[1])


def _put_attributes(file: Any, facts: Mapping[str, str | int]) -> None:
    """Store strings at fixed length: only then do HDF5's checksums cover them."""
    for name, fact in facts.items():
        if isinstance(fact, str):
            data = layout.to_bytes(fact)
            fixed = h5py.string_dtype("utf-8", max(1, len(data)))
            file.attrs.create(name, data, dtype=fixed)
        else:
            file.attrs.create(name, fact, dtype="<i4")


def _create(file: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Make one dataset; all but strings and empty ones are checksummed by chunk."""
    if dtype == np.dtype(object):
        file.create_dataset(name, shape, _TEXT if name in layout.UNICODE else _BYTES)
    elif 0 in shape:
        file.create_dataset(name, shape, dtype)
    else:
        chunks = (_chunk_rows(name, shape, dtype.itemsize), *shape[1:])
        file.create_dataset(name, shape, _enum(name, dtype), chunks=chunks, fletcher32=True)


def _create_growing(file: Any, name: str, like: Array) -> None:
    """Make one dataset of no rows, as many as come can be added to."""
    rest = like.shape[1:]
    frames = layout.FRAMES_PER_CHUNK if name in row_checksums.FEATURE_ARRAYS else _CHUNK // 8
    shape = {"shape": (0, *rest), "maxshape": (None, *rest), "chunks": (frames, *rest)}
    file.create_dataset(name, dtype=like.dtype, fletcher32=True, **shape)


def _chunk_rows(name: str, shape: tuple[int, ...], itemsize: int) -> int:
    if name in row_checksums.FEATURE_ARRAYS:
        return 1
    row = itemsize * int(np.prod(shape[1:]))
    return max(1, min(shape[0], _CHUNK // row))


def _enum(name: str, dtype: np.dtype[Any]) -> Any:
    for column in layout.COLUMNS:
        if column.name == name and column.enum is not None:
            return h5py.enum_dtype({m.name.lower(): int(m) for m in column.enum}, basetype="u1")
    return dtype
