"""Features in NumPy's formats: one ``.npy`` or ``.npz`` file, or one ``.npy`` file a video."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import NotFoundError, UsageError
from ..store.foreign.npy_stream import NpyStream
from ..store.foreign.reading import reading_errors
from .side_file import side_values
from .source import (
    OPTIONS,
    ColumnNames,
    SourceRow,
    check_size,
    choose_column,
    no_column,
)

_WHAT = "a `.npy` file"
SHAPES = "many videos are [N, T, D] or [N, D]; one video a file is [T, D] or [D]"


class NpyFile:
    """One ``.npy`` file of N videos, (N, T, D) or (N, D); see ``FeatureSource``.

    Args:
        path: The file.
        names: Ids, labels and splits are files beside it, ``.npy`` or ``.txt``.

    Raises:
        UsageError: If it is of another shape, or something is named that it cannot have.
        DamageError: If it is damaged.
    """

    column = ""
    unread: Sequence[str] = ()

    def __init__(self, path: Path, names: ColumnNames) -> None:
        self.path = path
        if names.features is not None:
            hint = "leave out `--column`: a `.npy` file holds one array"
            raise UsageError(f"`{path}` has no `{names.features}`", hint=hint)
        with reading_errors(path, _WHAT), path.open("rb") as file:
            self.count = rows_of_shape(NpyStream(file, str(path)), str(path))
        self._beside = {
            part: side_values(Path(name), self.count, OPTIONS[part])
            for part, name in names.chosen().items()
        }

    def rows(self) -> Iterator[SourceRow]:
        """Yield all videos; see ``FeatureSource``."""
        with reading_errors(self.path, _WHAT), self.path.open("rb") as file:
            stream = NpyStream(file, str(self.path))
            rows = self._turned() if stream.fortran else stream.rows()
            for number, features in enumerate(rows):
                beside = {part: values[number] for part, values in self._beside.items()}
                yield SourceRow(f"row {number}", features, **beside)

    def _turned(self) -> Iterator[npt.NDArray[Any]]:
        """Yield the rows of an array in Fortran order, which are not one run of bytes each."""
        yield from np.load(self.path, mmap_mode="r", allow_pickle=False)


class NpzFile:
    """One ``.npz`` file with an array of N videos and arrays of ids, labels, splits.

    See ``FeatureSource``. Arrays may be compressed; that of the features is never whole in memory.

    Args:
        path: The file.
        names: Its arrays.

    Raises:
        UsageError: If it has no such array, or one of another shape.
        DamageError: If it is damaged.
    """

    def __init__(self, path: Path, names: ColumnNames) -> None:
        self.path = path
        with reading_errors(path, "a `.npz` file"), zipfile.ZipFile(path) as archive:
            heads = {name: self._head(archive, name) for name in _members(archive)}
            fits = [name for name, head in heads.items() if may_be_features(head)]
            if not fits:
                for head in heads.values():
                    head.refuse_objects()
            self.column = choose_column(path, names.features, fits, list(heads))
            self.count = rows_of_shape(heads[self.column], f"{self.column} of {path}")
            self._beside = {
                part: self._values(archive, name, heads, OPTIONS[part])
                for part, name in names.chosen().items()
            }
        used = {self.column, *names.chosen().values()}
        self.unread = [name for name in heads if name not in used]

    def _head(self, archive: zipfile.ZipFile, name: str) -> NpyStream:
        with archive.open(f"{name}.npy") as file:
            return NpyStream(file, name)

    def _values(
        self, archive: zipfile.ZipFile, name: str, heads: dict[str, NpyStream], option: str
    ) -> list[Any]:
        if name not in heads:
            raise no_column(self.path, name, list(heads), option)
        check_size(f"`{name}`", heads[name].nbytes)
        with archive.open(f"{name}.npy") as file:
            found = NpyStream(file, name).whole().tolist()
        check_count(name, found, self.count, option)
        return list(found)

    def rows(self) -> Iterator[SourceRow]:
        """Yield all videos; see ``FeatureSource``."""
        with (
            reading_errors(self.path, "a `.npz` file"),
            zipfile.ZipFile(self.path) as archive,
            archive.open(f"{self.column}.npy") as file,
        ):
            stream = NpyStream(file, f"{self.column} of {self.path}")
            for number, features in enumerate(stream.rows()):
                beside = {part: values[number] for part, values in self._beside.items()}
                yield SourceRow(f"row {number}", features, **beside)


class NpyFolder:
    """One ``.npy`` file, (T, D) or (D,), for each video; see ``FeatureSource``.

    A video is called as its file below the folder, without ``.npy``.

    Args:
        path: The folder.
        names: It has no columns.
        files: Some files instead of all of the folder.

    Raises:
        UsageError: If a column is named.
        NotFoundError: If there is no ``.npy`` file.
    """

    column = ""
    unread: Sequence[str] = ()

    def __init__(self, path: Path, names: ColumnNames, files: Sequence[Path] | None = None) -> None:
        self.path = path
        if named := [*names.chosen().values(), *filter(None, [names.features])]:
            hint = "`--labels folders` or `--labels FILE` labels one file a video"
            raise UsageError(f"a folder of `.npy` files has no `{named[0]}`", hint=hint)
        self._files = sorted(path.rglob("*.npy")) if files is None else list(files)
        if not self._files:
            raise NotFoundError(f"`{path}` has no `.npy` file", hint=SHAPES)
        self.count = len(self._files)

    def rows(self) -> Iterator[SourceRow]:
        """Yield all videos; see ``FeatureSource``."""
        for file in self._files:
            name = file.relative_to(self.path).with_suffix("").as_posix()
            with reading_errors(file, _WHAT), file.open("rb") as opened:
                stream = NpyStream(opened, str(file))
                check_size(f"`{file}`", stream.nbytes)
                features = stream.whole()
            yield SourceRow(f"`{name}.npy`", features, ids=name)


def rows_of_shape(head: NpyStream, name: str) -> int:
    """Return N of an array of N videos.

    Raises:
        UsageError: If it is neither (N, T, D) nor (N, D), holds objects, or a video is too large.
    """
    head.refuse_objects()
    if len(head.shape) not in (2, 3) or 0 in head.shape:
        raise UsageError(f"`{name}` is {list(head.shape)}", hint=SHAPES)
    check_size(f"a video of `{name}`", head.nbytes // head.shape[0])
    return head.shape[0]


def may_be_features(head: NpyStream) -> bool:
    """Return whether an array looks like features: floats of two or three axes."""
    return len(head.shape) in (2, 3) and head.dtype.kind == "f"


def check_count(name: str, found: Sequence[object], count: int, option: str) -> None:
    """Refuse a column of another length than the features.

    Raises:
        UsageError: If it has not one entry for each video.
    """
    if len(found) != count:
        message = f"`{name}` has {len(found)} entries, but there are {count} videos"
        raise UsageError(message, hint=f"`{option}` has one entry for each video")


def _members(archive: zipfile.ZipFile) -> list[str]:
    names = (info.filename for info in archive.infolist())
    return [name.removesuffix(".npy") for name in names if name.endswith(".npy")]
