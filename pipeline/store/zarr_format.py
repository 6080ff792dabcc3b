"""How a zarr store lies in its folder, and the root metadata that vouches for every file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import DamageError
from pipeline.store import faults, layout

SHARD = 128  # rows of a file of `feats`; each row is a chunk of its own in it
CHUNK = 32 * SHARD  # rows of a file of every other array
ROOT = "zarr.json"
_MARKS = (layout.FORMAT.encode(), b"table_sha256")


def rows_per_file(name: str) -> int:
    """Return how many rows of an array one file holds."""
    return SHARD if name == layout.FEATURES else CHUNK


def file_of(name: str, number: int, dimensions: int) -> str:
    """Return the file of the ``number``-th run of rows.

    >>> file_of("feats", 2, 3)
    'feats/c/2/0/0'
    """
    return "/".join([name, "c", str(number), *["0"] * (dimensions - 1)])


def files_below(folder: Path) -> dict[str, list[int | str]]:
    """Return [size, SHA-256] of each file below the root, by its name relative to it."""
    found: dict[str, list[int | str]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != ROOT:
            found[name] = [path.stat().st_size, sha256_of(path)]
    return found


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def render(facts: Mapping[str, object]) -> bytes:
    """Return the root metadata, which carries the SHA-256 of its own facts."""
    sealed = {**facts, "sha256": hashlib.sha256(_json(facts)).hexdigest()}
    return _json({"attributes": sealed, "node_type": "group", "zarr_format": 3})


def read_root(folder: Path) -> Mapping[str, Any]:
    """Return the attributes of the root.

    Raises:
        NotFoundError: If the folder is no feature store.
        DamageError: If the root metadata is missing or altered.
    """
    path = folder / ROOT
    if not path.is_file():
        if (folder / layout.FEATURES / ROOT).exists():
            raise DamageError(f"`{path}` is missing", hint=faults.REPAIR)
        raise faults.not_a_store(folder)
    with faults.reading(path):
        data = path.read_bytes()
    if not any(mark in data for mark in _MARKS) and _is_json(data):
        raise faults.not_a_store(folder)
    with faults.reading(path):
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
