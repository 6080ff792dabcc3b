"""List the arrays or columns of a file of another program, and what they look like."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..store.foreign.array_file import ArrayFacts, arrays_in
from ..store.foreign.kinds import FileKind, is_tar_name
from ..store.foreign.npy_stream import NpyStream
from ..store.foreign.reading import reading_errors
from .open_source import check_package

SAMPLE = 256  # rows that are looked at to tell codes from features
FEATURES, CODES, PACKED, OTHER = "features", "codes", "packed", ""


@dataclass(frozen=True, slots=True)
class Described:
    """One array or column.

    Attributes:
        facts: Its name, shape and type.
        looks_like: ``features``, ``codes``, ``packed`` codes, or nothing.
    """

    facts: ArrayFacts
    looks_like: str = OTHER


def described_arrays(path: Path, kind: FileKind) -> list[Described]:
    """List what a file or folder holds.

    Args:
        path: The place.
        kind: What it is.

    Raises:
        DamageError: If it is damaged.
        UsageError: If the package that reads it is missing.
    """
    return list(_LISTS[kind](path))


def _arrays(path: Path) -> Sequence[Described]:
    return [Described(one, _look(path, one)) for one in arrays_in(path)]


def _look(path: Path, one: ArrayFacts) -> str:
    """Return what an array looks like by its shape, type and first rows."""
    if len(one.shape) not in (1, 2, 3) or 0 in one.shape:
        return OTHER
    kind = _numpy_kind(one.dtype)
    if len(one.shape) == 3 or kind not in set("biuf"):
        return FEATURES if kind == "f" else OTHER
    sample = _sample(path, one.name)
    if len(one.shape) == 2 and (sample is None or np.isin(sample, (-1, 0, 1)).all()):
        return CODES
    if kind == "u":
        return PACKED
    return FEATURES if kind == "f" else OTHER


def _numpy_kind(name: str) -> str:
    try:
        return np.dtype(name).kind
    except TypeError:
        return ""


def _sample(path: Path, name: str) -> Any:
    """Return the first rows of an array; ``None`` for MATLAB's, which are read whole."""
    with reading_errors(path, "a file of arrays"):
        if path.suffix == ".mat":
            return None
        if name == "":
            return np.array(np.load(path, mmap_mode="r", allow_pickle=False)[:SAMPLE])
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
                stream = NpyStream(file, name)
                return None if stream.fortran else np.array(list(islice(stream.rows(), SAMPLE)))
        from ..store.foreign.safe_hdf5 import checked, member, opened_hdf5

        with opened_hdf5(path) as file:
            return checked(path, name, member(path, file, name))[:SAMPLE]


def _npy_folder(path: Path) -> Sequence[Described]:
    found = []
    for file in sorted(path.rglob("*.npy")):
        (one,) = arrays_in(file)
        name = file.relative_to(path).as_posix()
        found.append(Described(ArrayFacts(name, one.shape, one.dtype), FEATURES))
    return found


def _parquet(path: Path) -> Sequence[Described]:
    check_package(FileKind.PARQUET, path)
    import pyarrow.parquet as pq

    from .arrow_rows import may_be_features

    first = path if path.is_file() else min(path.rglob("*.parquet"))
    with reading_errors(first, "a Parquet file"), pq.ParquetFile(first) as file:
        rows = int(file.metadata.num_rows)
        schema = file.schema_arrow
    return [
        Described(
            ArrayFacts(field.name, (rows,), _words(field.type)),
            FEATURES if may_be_features(field.type) else OTHER,
        )
        for field in schema
    ]


def _dataset(path: Path) -> Sequence[Described]:
    check_package(FileKind.DATASET, path)
    from .arrow_rows import may_be_features
    from .datasets_folder import parts_of_dataset

    with reading_errors(path, "a saved dataset"):
        parts = parts_of_dataset(path)
    rows = sum(map(len, parts.values()))
    features = next(iter(parts.values())).features
    return [
        Described(
            ArrayFacts(field.name, (rows,), _words(features[field.name])),
            FEATURES if may_be_features(field.type) else OTHER,
        )
        for field in features.arrow_schema
    ]


def _tar(path: Path) -> Sequence[Described]:
    from .webdataset_tars import ARRAYS, first_kinds

    inside = (file for file in path.rglob("*") if is_tar_name(file.name))
    first = path if path.is_file() else min(inside)
    return [
        Described(
            ArrayFacts(kind, (), "members"),
            FEATURES if kind.rpartition(".")[2] in ARRAYS else OTHER,
        )
        for kind in first_kinds(first)
    ]


def _words(kind: object) -> str:
    return " ".join(str(kind).replace("element: ", "").replace("item: ", "").split())


_LISTS: dict[FileKind, Callable[[Path], Sequence[Described]]] = {
    FileKind.NUMPY: _arrays,
    FileKind.NPZ: _arrays,
    FileKind.MATLAB: _arrays,
    FileKind.HDF5: _arrays,
    FileKind.NUMPY_FOLDER: _npy_folder,
    FileKind.PARQUET: _parquet,
    FileKind.PARQUET_FOLDER: _parquet,
    FileKind.TAR: _tar,
    FileKind.TAR_FOLDER: _tar,
    FileKind.DATASET: _dataset,
}
