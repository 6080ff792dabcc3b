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

from ..contents import StoreContents
from ..integrity.row_checksums import FEATURE_ARRAYS
from ..layout import Array, RowBlock
from . import zarr_format
from .zarr_format import CHUNK, ROOT, SHARD


def write_zarr(path: Path, contents: StoreContents) -> None:
    """Write a whole store into the new folder ``path``.

    Raises:
        ValueError: If the rows do not fit the contents' own facts.
        OSError: If the disk does not take it.
    """
    path.mkdir()
    store = LocalStore(path)
    blank = contents.blank()
    arrays = {name: _create(store, name, contents.count, like) for name, like in blank.items()}
    pending: list[tuple[int, RowBlock]] = []
    for start, block in contents.blocks(SHARD):
        for name in (name for name in FEATURE_ARRAYS if name in block):
            arrays[name][start : start + len(block[name])] = block[name]
        pending.append((start, {n: a for n, a in block.items() if n not in FEATURE_ARRAYS}))
        if len(pending) * SHARD == CHUNK:
            _put(arrays, pending)
    _put(arrays, pending)
    for name, values in {**contents.rest(), **contents.extras()}.items():
        array = _create(store, name, len(values), values)
        array[:] = values
    _commit(path, contents)


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
