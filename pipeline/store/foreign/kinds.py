"""Tell what kind of file or folder something is, by its first bytes."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from contextlib import suppress
from enum import Enum
from pathlib import Path

_HDF5 = b"\x89HDF\r\n\x1a\n"
_USER_BLOCKS = (0, 512, 1024, 2048, 4096)  # bytes before HDF5's own first ones
_OURS = b'{"format": "chainpipe-features"'
_MATLAB = (b"MATLAB 5.0 MAT-file", b"MATLAB 7.3 MAT-file")
_PICKLE = tuple(bytes([0x80, version]) for version in range(2, 6))
_TAR_AT = 257
_DATASETS = ("dataset_dict.json", "state.json")
_NAMES_SEEN = 10_000  # of a folder, before its kind is told


class FileKind(Enum):
    """Kind of a file or folder; the value is how people call it."""

    NUMPY = "a NumPy array"
    NPZ = "a NumPy archive"
    NUMPY_FOLDER = "a folder of NumPy arrays"
    HDF5 = "an HDF5 file"
    MATLAB = "a MATLAB file"
    PARQUET = "a Parquet file"
    PARQUET_FOLDER = "a folder of Parquet files"
    TAR = "a tar archive"
    TAR_FOLDER = "a folder of tar archives"
    DATASET = "a saved dataset of the library `datasets`"
    STORE = "a chainpipe feature store"
    CODES = "a chainpipe codes file"
    PICKLE = "a pickle"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files of another kind."""
        return self in _SUFFIXES.values()


_SUFFIXES = {
    ".npy": FileKind.NUMPY_FOLDER,
    ".parquet": FileKind.PARQUET_FOLDER,
    ".tar": FileKind.TAR_FOLDER,
    ".tgz": FileKind.TAR_FOLDER,
    ".gz": FileKind.TAR_FOLDER,
}


def kind_of(path: Path) -> FileKind | None:
    """Return the kind of a file or folder, ``None`` for one that nothing here reads.

    Nothing is parsed but a few first bytes, a zip file's list of names, and a folder's names.

    Args:
        path: Any place; one that is not there or cannot be read has no kind.
    """
    with suppress(OSError):
        return _of_folder(path) if path.is_dir() else _of_file(path)
    return None


def _of_file(path: Path) -> FileKind | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(_USER_BLOCKS[-1] + len(_HDF5))
    if head.startswith(b"\x93NUMPY"):
        return FileKind.NUMPY
    if head.startswith(b"PK\x03\x04"):
        return _of_zip(path)
    if head.startswith(_MATLAB):
        return FileKind.MATLAB
    if any(head[at:].startswith(_HDF5) for at in _USER_BLOCKS):
        return FileKind.STORE if head.startswith(_OURS) else FileKind.HDF5
    if head.startswith(b"PAR1"):
        return FileKind.PARQUET
    if head.startswith(_PICKLE):
        return FileKind.PICKLE
    zipped = head.startswith(b"\x1f\x8b") and path.name.endswith((".tar.gz", ".tgz"))
    return FileKind.TAR if zipped or head[_TAR_AT:].startswith(b"ustar") else None


def _of_zip(path: Path) -> FileKind | None:
    with suppress(zipfile.BadZipFile, ValueError), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if any(name.rpartition("/")[2] == "data.pkl" for name in names):
            return FileKind.PICKLE  # as torch.save writes it
        if {"codes.npy", "bits.npy", "model.npy"} <= {*names}:
            return FileKind.CODES
        return FileKind.NPZ if any(name.endswith(".npy") for name in names) else None
    return None


def _of_folder(path: Path) -> FileKind | None:
    if (path / "zarr.json").exists():
        return None
    if any((path / name).is_file() for name in _DATASETS):
        return FileKind.DATASET
    found, seen = Counter[FileKind](), 0
    for _, folders, names in os.walk(path):
        folders.sort()
        found.update(_SUFFIXES[s] for name in names if (s := _suffix(name)) in _SUFFIXES)
        seen += len(names)
        if seen > _NAMES_SEEN:
            break
    return found.most_common(1)[0][0] if found else None


def _suffix(name: str) -> str:
    suffix = os.path.splitext(name)[1].lower()
    return "" if suffix == ".gz" and not name.endswith(".tar.gz") else suffix


def is_tar_name(name: str) -> bool:
    """Return whether a file's name is that of a tar archive.

    >>> [is_tar_name(name) for name in ("a.tar", "a.tar.gz", "a.gz")]
    [True, True, False]
    """
    return _SUFFIXES.get(_suffix(name)) is FileKind.TAR_FOLDER
