"""Open features of any format, of one file or folder or of several of one kind."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import NotFoundError, UsageError, missing_package
from ..store.foreign.hints import reading_hint
from ..store.foreign.kinds import FileKind, is_tar_name, kind_of
from .source import ColumnNames, FeatureSource, SourceRow

FORMATS = (
    "`.npy`, `.npz`, Parquet, HDF5, WebDataset's tars, or a folder that `datasets` saved to disk"
)
_CLASSES = {
    FileKind.NUMPY: ("numpy_files", "NpyFile"),
    FileKind.NPZ: ("numpy_files", "NpzFile"),
    FileKind.NUMPY_FOLDER: ("numpy_files", "NpyFolder"),
    FileKind.HDF5: ("hdf5_file", "Hdf5Keys"),
    FileKind.PARQUET: ("parquet_files", "ParquetSource"),
    FileKind.TAR: ("webdataset_tars", "WebDatasetTar"),
    FileKind.DATASET: ("datasets_folder", "DatasetFolder"),
}
_INSIDE = {FileKind.PARQUET_FOLDER: FileKind.PARQUET, FileKind.TAR_FOLDER: FileKind.TAR}
_EXTRAS = {FileKind.PARQUET: ("pyarrow", "parquet"), FileKind.DATASET: ("datasets", "datasets")}


class SourceChain:
    """Several files of one kind, one after the other; see ``FeatureSource``.

    Args:
        path: The folder of them, or the first one.
        sources: The files.
    """

    def __init__(self, path: Path, sources: Sequence[FeatureSource]) -> None:
        self.path, self._sources = path, sources
        self.column, self.unread = sources[0].column, sources[0].unread
        counts = [one.count for one in sources]
        self.count = None if None in counts else sum(one for one in counts if one is not None)

    def rows(self) -> Iterator[SourceRow]:
        """Yield all videos; see ``FeatureSource``."""
        for source in self._sources:
            for row in source.rows():
                place = f"{row.place} of `{source.path.name}`"
                yield SourceRow(place, row.features, row.ids, row.labels, row.splits)


def open_source(paths: Sequence[Path], names: ColumnNames) -> FeatureSource:
    """Open features of videos.

    Args:
        paths: One file or folder; or several files of one kind, whose videos follow each other.
            Several ``.npy`` files are one video each.
        names: The columns to read.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If it is of another kind, the package that reads it is missing, or a column is
            not there.
        DamageError: If it is damaged.
    """
    kinds = [_checked_kind(path) for path in paths]
    if len(set(kinds)) > 1:
        words = f"`{paths[0]}` is {kinds[0].value}, `{_other(paths, kinds)}` is not"
        raise UsageError(words, hint="give files of one kind")
    kind = kinds[0]
    if names.group is not None and kind is not FileKind.HDF5:
        hint = "`--group` is a group of an HDF5 file"
        raise UsageError(f"`{paths[0]}` is {kind.value} and has no groups", hint=hint)
    if len(paths) > 1 and kind is FileKind.NUMPY:
        return _npy_files(paths, names)
    files = [file for path in paths for file in _files(path, kind)]
    opened = [_open(_INSIDE.get(kind, kind), file, names) for file in files]
    return opened[0] if len(opened) == 1 else SourceChain(paths[0], opened)


def _other(paths: Sequence[Path], kinds: Sequence[FileKind]) -> Path:
    return next(path for path, kind in zip(paths, kinds, strict=True) if kind is not kinds[0])


def _checked_kind(path: Path) -> FileKind:
    if not path.exists():
        raise NotFoundError(f"there is no `{path}`", hint=f"features are {FORMATS}")
    kind = kind_of(path)
    if kind is FileKind.STORE:
        hint = f"`chainpipe train {path}` reads it as it is"
        raise UsageError(f"`{path}` is a chainpipe feature store", hint=hint)
    if kind in (*_CLASSES, *_INSIDE) and kind is not None:
        return kind
    what = f"is {kind.value}" if kind is not None else "is of an unknown kind"
    default = f"features are {FORMATS}"
    if kind is FileKind.MATLAB:
        default = f"`chainpipe import codes {path}` reads codes; features are {FORMATS}"
        raise UsageError(f"`{path}` {what}", hint=default)
    raise UsageError(f"`{path}` {what}", hint=reading_hint(path, default))


def _files(path: Path, kind: FileKind) -> list[Path]:
    """Return the files of a folder of files, sorted by name; anything else as it is."""
    if kind is FileKind.PARQUET_FOLDER:
        return sorted(path.rglob("*.parquet"))
    if kind is FileKind.TAR_FOLDER:
        return sorted(file for file in path.rglob("*") if is_tar_name(file.name))
    return [path]


def _npy_files(paths: Sequence[Path], names: ColumnNames) -> FeatureSource:
    from .numpy_files import NpyFolder

    whole = [Path(os.path.abspath(path)) for path in paths]
    above = Path(os.path.commonpath([path.parent for path in whole]))
    return NpyFolder(above, names, whole)


def _open(kind: FileKind, path: Path, names: ColumnNames) -> FeatureSource:
    check_package(kind, path)
    if names.group is not None:
        kind_module, name = "hdf5_file", "Hdf5Group"
    else:
        kind_module, name = _CLASSES[kind]
    module = importlib.import_module(f".{kind_module}", __package__)
    opened: Callable[[Path, ColumnNames], Any] = getattr(module, name)
    source: FeatureSource = opened(path, names)
    return source


def check_package(kind: FileKind, path: Path) -> None:
    """Refuse a kind of file whose package is not installed.

    Raises:
        UsageError: It names the extra that brings the package.
    """
    package, extra = _EXTRAS.get(kind, ("", ""))
    if package and importlib.util.find_spec(package) is None:
        raise missing_package(f"`{path}`", package, extra=extra)
