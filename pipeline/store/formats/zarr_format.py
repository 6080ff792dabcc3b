"""Layout of a zarr store, and the root metadata with the SHA-256 of every file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import DamageError
from .. import layout
from ..integrity import faults
from ..integrity.row_checksums import FEATURE_ARRAYS, FEATURES

SHARD = 128  # rows of a file of features; each row is a chunk of its own in it
CHUNK = 32 * SHARD  # rows of a file of every other array
ROOT = "zarr.json"
FRAMES = 512  # frames of a file of features in a store made per time, which is one chunk
SPARE = "spare.json"  # the same bytes again: all else can be mended with their help
_CRC = 4  # bytes of checksum behind each chunk
_MARKS = (layout.FORMAT.encode(), b"table_sha256")


def is_sharded(name: str, *, per_time: bool = False) -> bool:
    """Return whether an array's rows are chunks of their own inside larger files."""
    return name in FEATURE_ARRAYS and not per_time


def rows_per_file(name: str, *, per_time: bool = False) -> int:
    """Return how many rows of an array one file holds.

    Args:
        name: Of the array.
        per_time: Whether a row of features is one frame, not the frames of a video.
    """
    if name not in FEATURE_ARRAYS:
        return CHUNK
    return FRAMES if per_time else SHARD


def file_of(name: str, number: int, dimensions: int) -> str:
    """Return the file of the ``number``-th run of rows.

    >>> file_of("feats", 2, 3)
    'feats/c/2/0/0'
    """
    return "/".join([name, "c", str(number), *["0"] * (dimensions - 1)])


def place_of(name: str, row: int, size: int, *, per_time: bool = False) -> tuple[int, int]:
    """Return the number of a row's file and the row's first byte in it.

    >>> place_of("feats", 130, 100)
    (1, 208)
    """
    number, place = divmod(row, rows_per_file(name, per_time=per_time))
    return number, place * (size + _CRC * is_sharded(name, per_time=per_time))


def names_below(folder: Path) -> set[str]:
    """Return the names of all files but the root's, and but hidden ones that systems leave."""
    found = set()
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inner = Path(place).relative_to(folder)
        found |= {(inner / name).as_posix() for name in files if not name.startswith(".")}
    return found - {ROOT, SPARE}


def files_below(folder: Path) -> dict[str, list[int | str]]:
    """Return [size, SHA-256] of each file below the root, by its name relative to it."""
    paths = {name: folder / name for name in sorted(names_below(folder))}
    return {name: [path.stat().st_size, sha256_of(path)] for name, path in paths.items()}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def render(facts: Mapping[str, object]) -> bytes:
    """Return the root metadata, which carries the SHA-256 of its own facts."""
    sealed = {**facts, "sha256": hashlib.sha256(_json(facts)).hexdigest()}
    return _json({"attributes": sealed, "node_type": "group", "zarr_format": 3})


def read_root(folder: Path, *, lenient: bool = False) -> Mapping[str, Any]:
    """Return the attributes of the root.

    Args:
        folder: The store.
        lenient: Whether the spare copy will do.

    Raises:
        NotFoundError: If the folder is no feature store.
        DamageError: If the root metadata is missing or altered.
    """
    try:
        return _read(folder, folder / ROOT)
    except DamageError:
        if not lenient or not (folder / SPARE).is_file():
            raise
    return _read(folder, folder / SPARE)


def root_damage(folder: Path, facts: Mapping[str, object]) -> Iterator[str]:
    """Yield which copy of the root metadata is not as written; version 0.1.0 had one."""
    names = (ROOT, SPARE) if "headers" in facts else (ROOT,)
    for path in (folder / name for name in names):
        if not path.is_file():
            yield f"`{path}` is missing"
        elif path.read_bytes() != render(facts):
            yield f"`{path}` is altered"


def _read(folder: Path, path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        if (folder / FEATURES / ROOT).exists():
            raise DamageError(f"`{path}` is missing", hint=faults.REPAIR)
        raise faults.not_a_store(folder)
    with faults.read_errors(path):
        data = path.read_bytes()
    if not any(mark in data for mark in _MARKS) and _is_json(data):
        raise faults.not_a_store(folder)
    with faults.read_errors(path):
        facts: dict[str, Any] = json.loads(data)["attributes"]
        facts.pop("sha256")
        if render(facts) != data:
            raise ValueError("the root's digest differs")
    return facts


def _json(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts, indent=1, sort_keys=True).encode()


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True
