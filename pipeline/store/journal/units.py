"""Result file of a work unit: rows and failures of a range of videos, with a checksum.

A unit is written beside the shards under a name that no other attempt has. It counts for nothing
until the journal, in the one process that holds the lock, has made a shard of it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ...errors import DamageError, UsageError
from ...records import FailedVideo, Split, VideoFeatures
from ..contents import StoreContents
from ..formats import hdf5_userblock
from ..open import open_arrays, write_contents
from ..reader import ArrayStore
from ..sequence_store import array_store
from .database import JournalSpec

START = "unit-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


class UnitFile(NamedTuple):
    """A finished unit.

    Attributes:
        path: Its file.
        sha256: Digest of its bytes, as its user block states.
    """

    path: Path
    sha256: str


def write_unit(
    folder: Path,
    name: str,
    rows: Sequence[VideoFeatures],
    failed: Sequence[FailedVideo],
    spec: JournalSpec,
) -> UnitFile:
    """Write a unit: it appears whole, or not at all, whoever else writes the same one.

    Args:
        folder: The journal's; it is not made, for without it nobody waits for the unit.
        name: Of the range, letters, digits, ``-`` and ``_``.
        rows: Its finished videos, maybe none; labels and splits are left to the manifest.
        failed: Its other videos.
        spec: The journal's.

    Raises:
        StorageError: If the disk rejects it, or the folder is missing.
        ValueError: If a video does not fit the settings or is not finite, or the name is none.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"`{name}` is no name for a unit: letters, digits, `-` and `_`")
    path = folder / f"{START}{name}.{secrets.token_hex(8)}.h5"
    return UnitFile(path, write_part(path, rows, failed, spec))


def write_part(
    path: Path, rows: Sequence[VideoFeatures], failed: Sequence[FailedVideo], spec: JournalSpec
) -> str:
    """Write a shard or a unit to ``path``; return its SHA-256.

    Raises:
        StorageError: If the disk does not take it.
        ValueError: If a video does not fit the settings or is not finite.
    """
    bare = [replace(video, labels=(), split=Split.NONE) for video in rows]
    contents = StoreContents(spec.root, spec.meta, bare, len(bare), tuple(failed), key=spec.key)
    write_contents(path, contents)
    return str(hdf5_userblock.recorded_sha256(path))


def open_unit(path: Path, spec: JournalSpec, sha256: str | None = None) -> ArrayStore:
    """Open a unit after reading all its bytes.

    Args:
        path: The file.
        spec: The journal's, for which it must have been made.
        sha256: What it must be, if known.

    Raises:
        DamageError: If it is missing, altered or lacks its checksum.
        UsageError: If it was made for another journal, or with other settings.
    """
    if not path.is_file():
        raise DamageError(f"the unit `{path}` is missing")
    recorded = hdf5_userblock.recorded_sha256(path)
    if (
        recorded is None
        or recorded != hdf5_userblock.digest(path)
        or sha256 not in (None, recorded)
    ):
        raise DamageError(f"the unit `{path}` is not as it was written")
    unit = array_store(path, open_arrays(path))
    try:
        _check(path, unit, spec)
    except BaseException:
        unit.close()
        raise
    return unit


def is_unit(path: Path, spec: JournalSpec) -> bool:
    """Return whether a file is a whole unit, or a shard, of this journal."""
    with suppress(DamageError, UsageError, FileNotFoundError), open_unit(path, spec):
        return True
    return False


def _check(path: Path, unit: ArrayStore, spec: JournalSpec) -> None:
    differences = spec.meta.differences(unit.meta)
    if unit.key != spec.key:  # the folder may have moved since
        differences.append("the journal it was made for")
    if differences:
        raise UsageError(f"the unit `{path}` is of another run: {', '.join(differences)}")
