"""Features in an HDF5 file of somebody else: one data set of N videos, or one for each video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ..errors import UsageError
from ..store.foreign.safe_hdf5 import checked, data_sets, group_members, member, opened_hdf5
from .numpy_files import SHAPES, check_count
from .source import OPTIONS, ColumnNames, SourceRow, check_size, choose_column, no_column

_AT_ONCE = 1 << 22  # bytes of features that are read at once
_MOST_AT_ONCE = 1 << 28  # the same where the file's chunks are larger


class Hdf5Keys:
    """Data sets of N videos, features and more, in one HDF5 file; see ``FeatureSource``.

    Args:
        path: The file.
        names: Its data sets.

    Raises:
        UsageError: If it has no such data set, one of another shape, or one in another file.
        DamageError: If it is damaged.
    """

    def __init__(self, path: Path, names: ColumnNames) -> None:
        self.path = path
        with opened_hdf5(path) as file:
            every = dict(data_sets(file))
            fits = [name for name, data in every.items() if _may_be_features(data)]
            given = None if names.features is None else names.features.strip("/")
            named = None if given is None else member(path, file, given)
            if given is None or not isinstance(named, h5py.Dataset):
                given = choose_column(path, given, fits, list(every))
            self.column = given
            data = checked(path, self.column, member(path, file, self.column))
            if data.ndim not in (2, 3) or 0 in data.shape:
                shape = list(data.shape or ())
                raise UsageError(f"`{self.column}` of `{path}` is {shape}", hint=SHAPES)
            self.count = int(data.shape[0])
            check_size(f"a video of `{self.column}`", data.nbytes // self.count)
            self._beside = {
                part: self._values(file, name, list(every), OPTIONS[part])
                for part, name in names.chosen().items()
            }
        used = {self.column, *(name.strip("/") for name in names.chosen().values())}
        self.unread = [name for name in every if name not in used]

    def _values(self, file: Any, name: str, known: list[str], option: str) -> list[Any]:
        data = member(self.path, file, name)
        if not isinstance(data, h5py.Dataset):
            raise no_column(self.path, name, known, option)
        check_size(f"`{name}`", checked(self.path, name, data).nbytes)
        found = _python(data)
        if not isinstance(found, list):
            raise UsageError(f"`{name}` of `{self.path}` is one value", hint=f"see `{option}`")
        check_count(name, found, self.count, option)
        return found

    def rows(self) -> Iterator[SourceRow]:
        """Yield all videos; see ``FeatureSource``."""
        with opened_hdf5(self.path) as file:
            data = member(self.path, file, self.column)
            step = _rows_at_once(data)
            for start in range(0, self.count, step):
                for place, features in enumerate(np.asarray(data[start : start + step])):
                    number = start + place
                    beside = {part: values[number] for part, values in self._beside.items()}
                    yield SourceRow(f"row {number}", features, **beside)


class Hdf5Group:
    """A group that holds a data set, or a group of them, for each video; see ``FeatureSource``.

    A video is called as its data set or group.

    Args:
        path: The file.
        names: ``group``, and the data sets or attributes in each video's own group, if it has one.

    Raises:
        UsageError: If there is no such group, or nothing in it.
        DamageError: If the file is damaged.
    """

    def __init__(self, path: Path, names: ColumnNames) -> None:
        self.path, self._names = path, names
        self._group, self._inner = names.group or "/", names.features
        with opened_hdf5(path) as file:
            group = member(path, file, self._group)
            if not isinstance(group, h5py.Group):
                known = [one for one in group_members(file) if isinstance(file[one], h5py.Group)]
                raise no_column(path, self._group, ["/", *known], "--group")
            self._videos = self._names_of(group)
            self.unread = self._others(group)
        self.column, self.count = self._inner or self._group, len(self._videos)

    def _names_of(self, group: Any) -> list[str]:
        every = [name for name, _ in data_sets(group)]
        if self._inner is None:
            found = every
        else:
            end = f"/{self._inner.strip('/')}"
            found = [name.removesuffix(end) for name in every if name.endswith(end)]
        if not found:
            inner = f" with `{self._inner}`" * (self._inner is not None)
            hint = "`--column` names the features in a video's own group"
            raise UsageError(f"`{self._group}` of `{self.path}` has no video{inner}", hint=hint)
        return found

    def _others(self, group: Any) -> list[str]:
        first = group[self._videos[0]]
        if not isinstance(first, h5py.Group):
            return sorted(first.attrs)
        used = {self._inner, *self._names.chosen().values()}
        return [name for name in [*first.keys(), *first.attrs] if name not in used]

    def rows(self) -> Iterator[SourceRow]:
        """Yield all videos; see ``FeatureSource``."""
        with opened_hdf5(self.path) as file:
            group = member(self.path, file, self._group)
            for name in self._videos:
                video = member(self.path, group, name)
                full = name if self._inner is None else f"{name}/{self._inner}"
                data = checked(self.path, full, member(self.path, group, full))
                check_size(f"`{full}`", data.nbytes)
                beside = {
                    part: self._value(video, name, column, OPTIONS[part])
                    for part, column in self._names.chosen().items()
                }
                yield SourceRow(f"`{name}`", np.asarray(data[()]), **{"ids": name} | beside)

    def _value(self, video: Any, name: str, column: str, option: str) -> object:
        if column in video.attrs:
            return _plain(video.attrs[column])
        inner = member(self.path, video, column) if isinstance(video, h5py.Group) else None
        if not isinstance(inner, h5py.Dataset):
            known = [*video.attrs, *(video.keys() if isinstance(video, h5py.Group) else ())]
            raise no_column(self.path, f"{name}/{column}", known, option)
        check_size(f"`{name}/{column}`", checked(self.path, column, inner).nbytes)
        return _python(inner)


def _may_be_features(data: Any) -> bool:
    return data.dtype.kind == "f" and data.ndim in (2, 3)


def _rows_at_once(data: Any) -> int:
    """Return how many rows are read at once: whole chunks, so that none is unpacked twice."""
    size = max(1, int(data.nbytes) // int(data.shape[0]))
    chunk = int(data.chunks[0]) if data.chunks else 1
    wanted = max(1, _AT_ONCE // size)
    return wanted if chunk * size > _MOST_AT_ONCE else -(-wanted // chunk) * chunk


def _python(data: Any) -> Any:
    """Return a whole data set as plain values; names of an enum where it has some."""
    names = h5py.check_enum_dtype(data.dtype)
    if data.dtype.kind == "O" and h5py.check_string_dtype(data.dtype) is None:
        hint = "columns are numbers or strings"
        raise UsageError(f"`{data.name}` holds {data.dtype}", hint=hint)
    found = data[()]
    if names:
        words = {number: word.lower() for word, number in names.items()}
        return [words.get(number, number) for number in np.ravel(found).tolist()]
    return _plain(found)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, np.ndarray):
        array: npt.NDArray[Any] = value
        return [_plain(one) for one in array.tolist()] if array.ndim else _plain(array.item())
    return value.item() if isinstance(value, np.generic) else value
