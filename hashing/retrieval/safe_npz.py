"""Read an untrusted ``.npz``: no pickle, no compression, checksums before parsing."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.pipeline.errors import ChainpipeError, DamageError, NotFoundError, StorageError

MAGIC = b"PK\x03\x04"
BROKEN = (
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError, struct.error, EOFError, OSError),
    *(ValueError, KeyError, OverflowError, MemoryError),
)


def read_npz(
    path: Path, names: Sequence[str], *, what: str, hint: str, optional: Sequence[str] = ()
) -> dict[str, Any]:
    """Read some arrays of an uncompressed ``.npz``.

    Args:
        path: The file.
        names: Arrays that make it the kind of file it should be.
        what: That kind, for messages, such as ``codes file``.
        hint: What to do when it is not.
        optional: Arrays that are read where they exist.

    Returns:
        The arrays by name.

    Raises:
        NotFoundError: If there is no such file, or it is of another kind.
        DamageError: If it is truncated or altered.
        StorageError: If it cannot be read from disk.
    """
    _check_kind(path, what, hint)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            _check_members(path, members, names, what, hint)
            present = [*names, *(name for name in optional if name in members)]
            return {name: _read_member(archive, members[name]) for name in present}
    except ChainpipeError:
        raise
    except BROKEN as error:
        message = f"the {what} `{path}` is truncated or damaged: {error}"
        raise DamageError(message, hint=hint) from error


def _check_kind(path: Path, what: str, hint: str) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise NotFoundError(f"there is no {what} `{path}`", hint=hint) from error
    except OSError as error:
        raise StorageError(f"cannot read `{path}`: {error.strerror}") from error
    if start != MAGIC:
        raise NotFoundError(f"`{path}` is not a {what}", hint=hint)


def _check_members(
    path: Path, found: dict[str, zipfile.ZipInfo], names: Sequence[str], what: str, hint: str
) -> None:
    missing = [name for name in names if name not in found]
    if len(missing) > len(names) // 2:
        raise NotFoundError(f"`{path}` is not a {what}", hint=hint)
    if missing:
        lost = ", ".join(f"`{name}`" for name in missing)
        raise DamageError(f"the {what} `{path}` lacks {lost}", hint=hint)


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"`{info.filename}` is compressed")
    content = io.BytesIO(archive.read(info))
    array = np.lib.format.read_array(content, allow_pickle=False)
    if content.read(1):
        raise ValueError(f"`{info.filename}` has bytes after its array")
    return array
