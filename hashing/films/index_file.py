"""File of a film index, kept beside its store so that only the first search reads all films."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.pipeline.errors import DamageError, NotFoundError, UsageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from ..matching.space import FrameSpace
from ..models.linear_hash import LinearHash
from ..retrieval.safe_npz import SHA256, array_digest, read_npz
from .film_index import BITS, FilmIndex

VERSION = 1
HINT = "delete it; `chainpipe find` makes it anew"
_NAMES = (
    *("version", "table_sha256", "threshold", "bits", "codes", "rows", "starts"),
    *("space_mean", "space_directions", "space_variance", "hash_mean", "hash_directions"),
)


def index_path(store: Path) -> Path:
    """Return the file beside a store.

    >>> index_path(Path("films.h5")).name
    'films.find.npz'
    """
    return store.with_name(f"{store.stem}.find.npz")


def write_index(path: Path, index: FilmIndex, table_sha256: str) -> None:
    """Write an index atomically.

    Args:
        path: The file.
        index: With codes of its own.
        table_sha256: Of the store.

    Raises:
        StorageError: If the file cannot be written.
        ValueError: If the codes are a model's.
    """
    if index.hasher is None:
        raise ValueError("the codes of a model have a file of their own")
    columns: dict[str, Any] = {
        "version": np.array(VERSION),
        "table_sha256": np.array(table_sha256),
        "threshold": np.array(index.threshold),
        "bits": np.array(index.bits),
        "codes": index.packed,
        "rows": index.rows,
        "starts": index.starts,
        "space_mean": index.space.mean,
        "space_directions": index.space.directions,
        "space_variance": np.array(index.space.variance),
        "hash_mean": index.hasher.mean,
        "hash_directions": index.hasher.directions,
    }
    columns[SHA256] = np.array(array_digest(columns))
    with storage_errors(path), atomic_replace(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **columns)


def read_index(path: Path, table_sha256: str) -> FilmIndex | None:
    """Read an index; ``None`` if there is none, or it is of other films or of another version.

    Args:
        path: The file.
        table_sha256: Of the store.

    Raises:
        DamageError: If it is truncated or altered.
        UsageError: If it is a file of another kind, which must not be replaced.
        StorageError: If it cannot be read.
    """
    try:
        found = read_npz(path, _NAMES, what="film index", hint=HINT, optional=(SHA256,))
    except NotFoundError as error:
        if path.is_dir() or (path.is_file() and path.stat().st_size):
            hint = "name another file with `--index`; a damaged index may be deleted"
            raise UsageError(f"`{path}` is not a film index", hint=hint) from error
        return None
    if int(found["version"]) != VERSION or int(found["bits"]) != BITS:
        return None
    if not table_sha256 or str(found["table_sha256"]) != table_sha256:
        return None
    if len(found["codes"]) != len(found["rows"]) or len(found["rows"]) != len(found["starts"]):
        raise DamageError(
            f"the film index `{path}` is damaged: columns of unequal length", hint=HINT
        )
    space = FrameSpace(
        np.array(found["space_mean"]),
        np.array(found["space_directions"]),
        float(found["space_variance"]),
    )
    return FilmIndex(
        space,
        LinearHash(np.array(found["hash_mean"]), np.array(found["hash_directions"])),
        found["codes"],
        int(found["bits"]),
        found["rows"],
        found["starts"],
        float(found["threshold"]),
    )
