"""Features in the tar archives of WebDataset: members with one key are one video.

Members are read one after the other; their names are never paths that are opened.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy.typing as npt

from ..errors import UsageError
from ..store.foreign.npy_stream import NpyStream
from ..store.foreign.reading import reading_errors
from .source import (
    OPTIONS,
    ColumnNames,
    SourceRow,
    check_size,
    choose_column,
    no_column,
)

ARRAYS = ("npy", "npz")
PICKLES = ("pth", "pt", "pyd", "pkl", "pickle")
_WHAT = "a tar archive"
_MAGIC_AT, _END = 257, 1024  # where a plain archive says so, and the zeros at its end
_MOST_TEXT = 1 << 24  # bytes of a member that is no array
_SAMPLE_MEMBERS = 64  # of one video at most


class WebDatasetTar:
    """One tar archive; see ``FeatureSource``. A video is called as its members' key.

    Args:
        path: The archive, plain or compressed.
        names: Suffixes of members: ``npy``, ``cls``, ``txt``; or keys in the ``json`` member.

    Raises:
        UsageError: If no member can be features, or only pickles.
        DamageError: If it is damaged.
    """

    count = None

    def __init__(self, path: Path, names: ColumnNames) -> None:
        self.path, self._names = path, names
        every = list(dict.fromkeys(first_kinds(path)))
        _check_end(path)
        fits = [kind for kind in every if _last(kind) in ARRAYS]
        if not fits and (pickled := [kind for kind in every if _last(kind) in PICKLES]):
            hint = "a pickle can run any program when it is read: write `.npy` members"
            raise UsageError(f"the features of `{path}` are pickles: `.{pickled[0]}`", hint=hint)
        self.column = choose_column(path, names.features, fits, every)
        if _last(self.column) not in ARRAYS:
            hint = "features are `.npy` or `.npz` members"
            raise UsageError(f"`.{self.column}` members are no arrays", hint=hint)
        used = {self.column, *names.chosen().values()}
        self.unread = [kind for kind in every if kind not in used]

    def rows(self) -> Iterator[SourceRow]:
        """Yield all videos; see ``FeatureSource``."""
        wanted = {self.column, "json", *self._names.chosen().values()}
        for key, members in self._samples(wanted):
            place = f"`{key}`"
            data = members.get(self.column)
            features = None if data is None else _read_array(data, f"{key}.{self.column}")
            beside: dict[str, Any] = {
                part: self._value(key, members, name, OPTIONS[part])
                for part, name in self._names.chosen().items()
            }
            yield SourceRow(place, features, **{"ids": key} | beside)

    def _samples(self, wanted: set[str]) -> Iterator[tuple[str, dict[str, bytes]]]:
        """Yield key and members by suffix of each video; only the wanted ones are read."""
        key, members = "", dict[str, bytes]()
        with reading_errors(self.path, _WHAT), tarfile.open(self.path, "r|*") as archive:
            for info in archive:
                if not is_member(info):
                    continue
                own, suffix = _split(info.name)
                if own != key and members:
                    yield key, members
                    members = {}
                key = own
                if suffix in members or len(members) == _SAMPLE_MEMBERS:
                    message = f"`{self.path}` has `{info.name}` twice, or too many of its key"
                    raise UsageError(message, hint="a key is one video")
                members[suffix] = self._read(archive, info, suffix) if suffix in wanted else b""
                archive.members = []  # type: ignore[attr-defined]  # it would keep them all
            if members:
                yield key, members

    def _read(self, archive: tarfile.TarFile, info: tarfile.TarInfo, suffix: str) -> bytes:
        check_size(f"`{info.name}`", info.size)
        if suffix != self.column and info.size > _MOST_TEXT:
            hint = f"labels and ids are at most {_MOST_TEXT} bytes"
            raise UsageError(f"`{info.name}` has {info.size} bytes", hint=hint)
        file = archive.extractfile(info)
        return b"" if file is None else file.read()

    def _value(self, key: str, members: dict[str, bytes], name: str, option: str) -> object:
        if name in members and _last(name) != "json":
            text = members[name].decode("utf-8", "surrogateescape").strip()
            return int(text) if _last(name) == "cls" and text.lstrip("-").isdecimal() else text
        try:
            facts = json.loads(members.get("json", b"{}") or b"{}")
        except (ValueError, RecursionError) as error:
            raise UsageError(f"`{key}.json` is not JSON: {error}") from error
        if not isinstance(facts, dict) or name not in facts:
            known = [*members, *(facts if isinstance(facts, dict) else ())]
            raise no_column(self.path, f"{key}: {name}", known, option)
        value: object = facts[name]
        return value


def first_kinds(path: Path) -> list[str]:
    """Return the suffixes of the members of the first video.

    Raises:
        UsageError: If there are no members.
        DamageError: If it is damaged.
    """
    key, found = None, list[str]()
    with reading_errors(path, _WHAT), tarfile.open(path, "r|*") as archive:
        for info in archive:
            if is_member(info):
                own, suffix = _split(info.name)
                key = own if key is None else key
                if own != key or len(found) == _SAMPLE_MEMBERS:
                    break
                found.append(suffix)
    if not found:
        raise UsageError(f"`{path}` has no members", hint="members are called `key.npy` ...")
    return found


def _check_end(path: Path) -> None:
    """Refuse an archive that was cut between two members, which reads as a shorter one.

    Compressed ones are not looked at: their own format tells the end.
    """
    with reading_errors(path, _WHAT), path.open("rb") as file:
        if file.read(_MAGIC_AT + 5).endswith(b"ustar"):
            file.seek(-min(_END, path.stat().st_size), io.SEEK_END)
            if file.read().strip(b"\0"):
                raise ValueError("it ends without the mark of an end")


def is_member(info: tarfile.TarInfo) -> bool:
    """Return whether a member is a file that belongs to a video."""
    return info.isreg() and not info.name.rpartition("/")[2].startswith(".")


def _split(name: str) -> tuple[str, str]:
    """Return key and suffix of a member, as WebDataset splits them: at the name's first dot.

    >>> _split("a/0001.clip.npy")
    ('a/0001', 'clip.npy')
    """
    folder, slash, base = name.rpartition("/")
    key, _, suffix = base.partition(".")
    return folder + slash + key, suffix.lower()


def _last(suffix: str) -> str:
    return suffix.rpartition(".")[2]


def _read_array(data: bytes, name: str) -> npt.NDArray[Any]:
    """Return the array of a ``.npy`` member, or the only one of a ``.npz`` member."""
    if not name.endswith(".npz"):
        stream = NpyStream(io.BytesIO(data), name)
        check_size(f"`{name}`", stream.nbytes)
        return stream.whole()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) != 1:
            hint = "write one array for each video"
            raise UsageError(f"`{name}` has {len(members)} arrays", hint=hint)
        check_size(f"`{name}`", members[0].file_size)
        with archive.open(members[0]) as file:
            stream = NpyStream(file, name)
            check_size(f"`{name}`", stream.nbytes)
            return stream.whole()
