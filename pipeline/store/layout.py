"""Names, dtypes and attributes of a feature store, shared by all file formats."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from ..records import Blank, FailedVideo, Reader, Split, Status, StoreMeta, VideoTable

FORMAT = "chainpipe-features"
VERSION = 1  # T frames of each video
PER_TIME = 2  # frames per time, so that videos differ in their number
FRAMES_PER_CHUNK = 64  # of features, in version 2
START, COUNT = "video/start", "video/count"  # of version 2: where a video's frames are

PATH, NOTE, LABEL_NAMES = "video/path", "video/note", "label_names"
_TEXTS = ("failed/message", "failed/command", "failed/stderr")
STRINGS = (PATH, NOTE, LABEL_NAMES, "failed/path", *_TEXTS)
UNICODE = (NOTE, LABEL_NAMES, *_TEXTS)
UNREAD = bytes(32)  # the id of a file that failed before its bytes were read

Array = npt.NDArray[np.generic]
RowBlock = Mapping[str, Array]
"""Some rows of a store: one array for each name, all of the same length."""


@dataclass(frozen=True, slots=True)
class Column:
    """One number, or one short run of numbers, for each video.

    Attributes:
        name: Of the array on disk.
        field: Of ``VideoTable``.
        dtype: Little-endian numpy dtype.
        enum: The names of the numbers, where they have some.
        absent: What each video has in a store that was written before the column was added;
            ``None`` if every store has the column.
    """

    name: str
    field: str
    dtype: str
    enum: type[IntEnum] | None = None
    absent: int | None = None


COLUMNS = (
    Column("video/id", "ids", "u1"),
    Column("video/checksum", "checksums", "u1"),
    Column("video/labels", "labels", "u1"),
    Column("video/split", "split", "u1", Split),
    Column("video/status", "status", "u1", Status),
    Column("video/reader", "reader", "u1", Reader),
    Column("video/duration", "duration", "<f8"),
    Column("video/fps", "fps", "<f8"),
    Column("video/width", "width", "<i4"),
    Column("video/height", "height", "<i4"),
    Column("video/frames", "frames", "<i8"),
    Column("video/size", "size", "<i8"),
    Column("video/mtime_ns", "mtime_ns", "<i8"),
    Column("video/track", "track", "<i2", absent=-1),
    Column("video/blank", "blank", "u1", Blank, absent=Blank.UNKNOWN),
)

_FAILED = ("path", "status", "message", "attempts")
FIRST_TABLE = (
    PATH,
    *(column.name for column in COLUMNS if column.absent is None),
    LABEL_NAMES,
    *(f"failed/{n}" for n in _FAILED),
)
"""The arrays that a reader of version 0.1.0's stores holds in memory."""


def to_bytes(text: str) -> bytes:
    """Return UTF-8 in which the surrogates of :func:`os.fsdecode` are their bytes again.

    What no file name and no UTF-8 can hold (NUL, other lone surrogates) becomes a ``?``.
    """
    text = text.replace("\0", "?")
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def to_text(data: bytes) -> str:
    r"""Undo :func:`to_bytes`.

    >>> to_text(to_bytes("caf\udce9")) == "caf\udce9"
    True
    """
    return data.decode("utf-8", "surrogateescape")


def strings(items: Iterable[bytes]) -> Array:
    """Return byte strings as an array of objects, (n,)."""
    found = list(items)
    array = np.empty(len(found), dtype=object)
    array[:] = found
    return array


def attributes(meta: StoreMeta, root: bytes) -> dict[str, str | int]:
    """Return the root attributes that are known before the rows are.

    ``settings`` and ``root`` are read back, the rest is for people. The root keeps its bytes
    through surrogates, as in :func:`os.fsdecode`.
    """
    flat = meta.settings()
    names = ("backbone", "weights_sha256", "preprocessing", "sampling")
    return {
        "format": FORMAT,
        "version": PER_TIME if meta.every else VERSION,
        **{name: str(flat[name]) for name in names},
        "chainpipe": meta.chainpipe,
        "settings": json.dumps(flat, sort_keys=True),
        "root": json.dumps(to_text(root)),
        **({"inputs": meta.inputs} if meta.inputs else {}),
    }


def meta_of(found: Mapping[str, object]) -> tuple[StoreMeta, bytes]:
    """Read settings and root back from what :func:`attributes` returned."""
    settings = json.loads(str(found["settings"]))
    root = to_bytes(json.loads(str(found["root"])))
    meta = StoreMeta.from_settings(settings, chainpipe=str(found["chainpipe"]))
    return replace(meta, inputs=str(found["inputs"]) if "inputs" in found else ""), root


def failed_arrays(failed: Sequence[FailedVideo]) -> dict[str, Array]:
    """Return the arrays below ``failed/``."""
    return {
        "failed/path": strings(video.path for video in failed),
        "failed/status": np.array([video.status for video in failed], dtype="u1"),
        "failed/message": strings(to_bytes(video.message) for video in failed),
        "failed/attempts": np.array([video.attempts for video in failed], dtype="<i4"),
        "failed/command": strings(to_bytes(video.command) for video in failed),
        "failed/stderr": strings(to_bytes(video.stderr) for video in failed),
        "failed/id": np.frombuffer(
            b"".join(video.video_id or UNREAD for video in failed), np.uint8
        ).reshape(len(failed), len(UNREAD)),
        "failed/size": np.array([video.size for video in failed], dtype="<i8"),
        "failed/mtime_ns": np.array([video.mtime_ns for video in failed], dtype="<i8"),
    }


def failed_of(arrays: RowBlock) -> tuple[FailedVideo, ...]:
    """Read back what :func:`failed_arrays` returned.

    Version 0.1.0 had no reader output, 0.2.0 no identity of the files.
    """
    columns = [arrays[f"failed/{name}"].tolist() for name in _FAILED]
    none = [b""] * len(columns[0])
    words = [arrays.get(f"failed/{name}", none) for name in ("command", "stderr")]
    ids = [row.tobytes() for row in arrays["failed/id"]] if "failed/id" in arrays else none
    facts = [
        arrays[f"failed/{name}"].tolist() if f"failed/{name}" in arrays else [absent] * len(none)
        for name, absent in (("size", -1), ("mtime_ns", 0))
    ]
    return tuple(
        FailedVideo(
            path,
            Status(status),
            to_text(message),
            attempts,
            to_text(call),
            to_text(said),
            b"" if video_id == UNREAD else video_id,
            size,
            mtime_ns,
        )
        for path, status, message, attempts, call, said, video_id, size, mtime_ns in zip(
            *columns, *words, ids, *facts, strict=True
        )
    )


def table_of(arrays: RowBlock) -> VideoTable:
    """Assemble the columns of all videos; version 0.1.0 kept no notes."""
    paths = tuple(arrays[PATH].tolist())
    columns: dict[str, Any] = {
        column.field: arrays[column.name]
        if column.name in arrays or column.absent is None
        else np.full(len(paths), column.absent, column.dtype)
        for column in COLUMNS
    }
    notes = arrays[NOTE].tolist() if NOTE in arrays else [b""] * len(paths)
    return VideoTable(
        paths=paths,
        notes=tuple(to_text(note) for note in notes),
        label_names=tuple(to_text(name) for name in arrays[LABEL_NAMES].tolist()),
        **columns,
    )
