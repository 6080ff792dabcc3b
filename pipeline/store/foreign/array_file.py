"""Arrays by name of a ``.npy``, ``.npz``, MATLAB or HDF5 file; pickles are never read."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import NotFoundError, UsageError
from .hints import reading_hint
from .kinds import FileKind, kind_of
from .npy_stream import NpyStream
from .reading import reading_errors

MOST_BYTES = 1 << 34  # of an array that is read whole
READ = (FileKind.NUMPY, FileKind.NPZ, FileKind.MATLAB, FileKind.HDF5)
_HINT = "a `.npy`, `.npz`, `.mat` or HDF5 file"


@dataclass(frozen=True, slots=True)
class ArrayFacts:
    """One array of a file.

    Attributes:
        name: Its key; empty for the one array of a ``.npy`` file.
        shape: Its shape, in numpy's order of axes.
        dtype: Its type in words, such as ``float32``.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        size = " x ".join(map(str, self.shape)) or "one number"
        return f"`{self.name}` ({size} {self.dtype})" if self.name else f"{size} {self.dtype}"


def arrays_in(path: Path) -> list[ArrayFacts]:
    """List the arrays of a file without reading them.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If it is of another kind.
        DamageError: If it is damaged.
    """
    kind = _kind(path)
    with reading_errors(path, kind.value):
        return list(_LISTS[kind](path))


def load_array(path: Path, name: str | None = None) -> npt.NDArray[Any]:
    """Read one array of a file.

    Args:
        path: The file; in one of MATLAB's 7.3, axes are turned to what MATLAB shows.
        name: Its key; ``None`` if the file has one array only.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If it has no such array, several and none is named, or one of no numbers or
            strings.
        DamageError: If it is damaged.
    """
    kind, known = _kind(path), arrays_in(path)
    chosen = _choose(path, known, name)
    with reading_errors(path, kind.value):
        found = _LOADS[kind](path, chosen)
    return found.toarray() if hasattr(found, "toarray") else np.asarray(found)  # sparse


def _choose(path: Path, known: list[ArrayFacts], name: str | None) -> str:
    listed = ", ".join(map(str, known)) or "none"
    if name is None and len(known) != 1:
        message = f"`{path}` has {len(known)} arrays"
        raise UsageError(message, hint=f"name one: {listed}")
    for one in known:
        if name is None or one.name == name.strip("/"):
            size = int(np.prod(one.shape, dtype=object)) if one.shape else 1
            if size * 8 > MOST_BYTES and size > MOST_BYTES:
                raise UsageError(f"{one} of `{path}` is too large", hint="split it")
            return one.name
    raise UsageError(f"`{path}` has no array `{name}`", hint=f"it has: {listed}")


def _kind(path: Path) -> FileKind:
    if not path.exists():
        raise NotFoundError(f"there is no `{path}`", hint=_HINT)
    kind = kind_of(path)
    if kind not in READ:
        what = f"is {kind.value}" if kind else "is no file of arrays"
        raise UsageError(f"`{path}` {what}", hint=reading_hint(path, _HINT))
    return kind


def _list_npy(path: Path) -> Iterator[ArrayFacts]:
    with path.open("rb") as file:
        stream = NpyStream(file, str(path))
        yield ArrayFacts("", stream.shape, str(stream.dtype))


def _list_npz(path: Path) -> Iterator[ArrayFacts]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                name = info.filename.removesuffix(".npy")
                with archive.open(info) as file:
                    stream = NpyStream(file, name)
                yield ArrayFacts(name, stream.shape, str(stream.dtype))


def _list_matlab(path: Path) -> Iterator[ArrayFacts]:
    from scipy.io import whosmat

    if _is_hdf5(path):
        for one in _list_hdf5(path):
            if not one.name.startswith("#"):  # what cells and structures refer to
                yield ArrayFacts(one.name, one.shape[::-1], one.dtype)
        return
    for name, shape, kind in whosmat(path):
        yield ArrayFacts(
            name, tuple(shape), {"double": "float64", "single": "float32"}.get(kind, kind)
        )


def _list_hdf5(path: Path) -> Iterator[ArrayFacts]:
    from .safe_hdf5 import data_sets, opened_hdf5

    with opened_hdf5(path) as file:
        for name, data in data_sets(file):
            yield ArrayFacts(name, tuple(data.shape or ()), str(data.dtype))


def _load_npy(path: Path, name: str) -> Any:
    with path.open("rb") as file:
        NpyStream(file, str(path)).refuse_objects()
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _load_npz(path: Path, name: str) -> Any:
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        return NpyStream(file, name).whole()


def _load_matlab(path: Path, name: str) -> Any:
    from scipy.io import loadmat

    if _is_hdf5(path):
        return _load_hdf5(path, name).T
    return loadmat(path, variable_names=[name])[name]


def _load_hdf5(path: Path, name: str) -> Any:
    from h5py import check_string_dtype

    from .safe_hdf5 import checked, member, opened_hdf5

    with opened_hdf5(path) as file:
        data = checked(path, name, member(path, file, name))
        if data.dtype.kind != "O":
            return data[()]
        if check_string_dtype(data.dtype) is None:
            what = f"`{name}` of `{path}` holds neither numbers nor strings"
            raise UsageError(what, hint=_HINT)
        return data.asstr()[()]


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(10) == b"MATLAB 7.3"


_LISTS = {
    FileKind.NUMPY: _list_npy,
    FileKind.NPZ: _list_npz,
    FileKind.MATLAB: _list_matlab,
    FileKind.HDF5: _list_hdf5,
}
_LOADS = {
    FileKind.NUMPY: _load_npy,
    FileKind.NPZ: _load_npz,
    FileKind.MATLAB: _load_matlab,
    FileKind.HDF5: _load_hdf5,
}
