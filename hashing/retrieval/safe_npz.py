"""Map an untrusted ``.npz`` into memory: no pickle, no compression, checksums before parsing."""

from __future__ import annotations

import hashlib
import mmap
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import ChainpipeError, DamageError, NotFoundError, StorageError
from chainpipe.pipeline.store.foreign.hints import reading_hint

SHA256 = "sha256"  # array that holds the digest of the others
MAGIC = b"PK\x03\x04"
_LOCAL = struct.Struct("<26xHH")  # lengths of name and extra field in a member's own header
_PIECE = 1 << 20  # bytes that are read at once
BROKEN = (
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError, struct.error, EOFError, OSError),
    *(ValueError, KeyError, OverflowError, MemoryError),
)


def read_npz(
    path: Path, names: Sequence[str], *, what: str, hint: str, optional: Sequence[str] = ()
) -> dict[str, Any]:
    """Map some arrays of an uncompressed ``.npz`` into memory, read-only.

    Every byte of them is read once for its checksum, and kept by nothing but the system's cache.

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
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            _check_members(path, members, names, what, hint)
            present = [*names, *(name for name in optional if name in members)]
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return {name: _member(file, mapped, members[name]) for name in present}
    except ChainpipeError:
        raise
    except BROKEN as error:
        message = f"the {what} `{path}` is truncated or damaged: {error}"
        raise DamageError(message, hint=hint) from error


def array_digest(arrays: Mapping[str, Any]) -> str:
    """Return the SHA-256 over arrays by name, hexadecimal: their names, dtypes, shapes and bytes.

    Args:
        arrays: Any order gives the same; an array ``sha256`` is left out.

    Example:
        >>> array_digest({"a": np.zeros(2)}) == array_digest({"a": np.zeros((1, 2))})
        False
    """
    whole = hashlib.sha256()
    for name in sorted(arrays):
        if name == SHA256:
            continue
        array = np.ascontiguousarray(arrays[name])
        shape = np.asarray(arrays[name]).shape
        whole.update(f"{name} {array.dtype.str} {shape}\n".encode())
        whole.update(array.reshape(-1).view(np.uint8).data)
    return whole.hexdigest()


def _check_kind(path: Path, what: str, hint: str) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise NotFoundError(f"there is no {what} `{path}`", hint=hint) from error
    except OSError as error:
        raise StorageError(f"cannot read `{path}`: {error.strerror}") from error
    if start != MAGIC:
        raise NotFoundError(f"`{path}` is not a {what}", hint=reading_hint(path, hint))


def _check_members(
    path: Path, found: dict[str, zipfile.ZipInfo], names: Sequence[str], what: str, hint: str
) -> None:
    missing = [name for name in names if name not in found]
    if len(missing) > len(names) // 2:
        raise NotFoundError(f"`{path}` is not a {what}", hint=reading_hint(path, hint))
    if missing:
        lost = ", ".join(f"`{name}`" for name in missing)
        raise DamageError(f"the {what} `{path}` lacks {lost}", hint=hint)


def _member(file: IO[bytes], mapped: mmap.mmap, info: zipfile.ZipInfo) -> Any:
    """Return one array of the mapped file after its checksum was compared."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"`{info.filename}` is compressed")
    start = info.header_offset + _LOCAL.size + sum(_LOCAL.unpack_from(mapped, info.header_offset))
    if _crc32(file, start, info.file_size) != info.CRC:
        raise ValueError(f"bad CRC-32 of `{info.filename}`")
    file.seek(start)
    version = np.lib.format.read_magic(file)
    header = {(1, 0): np.lib.format.read_array_header_1_0}.get(
        version, np.lib.format.read_array_header_2_0
    )
    shape, fortran, dtype = header(file)
    if dtype.hasobject:
        raise ValueError(f"`{info.filename}` holds objects")
    array: npt.NDArray[Any] = np.ndarray(
        shape, dtype, mapped, file.tell(), order="F" if fortran else "C"
    )
    if file.tell() + array.nbytes != start + info.file_size:
        raise ValueError(f"`{info.filename}` is longer or shorter than its array")
    return array


def _crc32(file: IO[bytes], start: int, size: int) -> int:
    """Return the checksum of some bytes; read, not mapped, so that an I/O error is an error."""
    file.seek(start)
    found = 0
    while size > 0 and (piece := file.read(min(_PIECE, size))):
        found, size = zlib.crc32(piece, found), size - len(piece)
    return found
