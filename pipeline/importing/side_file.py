"""One value for each video in a file of its own: ``.npy``, or ``.txt`` with a value a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import NotFoundError, UsageError
from ..store.foreign.npy_stream import NpyStream
from ..store.foreign.reading import reading_errors

MOST_BYTES = 1 << 32
_HINT = "a `.npy` file, or a `.txt` file of one value a line"


def side_values(path: Path, count: int, option: str) -> list[Any]:
    """Read the ids, labels or splits of N videos.

    Args:
        path: The file.
        count: N.
        option: Which names it, for messages.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If it is of another kind, or has not N entries.
        DamageError: If it is damaged.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no `{path}` (`{option}`)", hint=_HINT)
    if path.suffix not in (".npy", ".txt"):
        raise UsageError(f"`{path}` (`{option}`) is of an unknown kind", hint=_HINT)
    with reading_errors(path, _HINT):
        values = _lines(path) if path.suffix == ".txt" else _array(path)
    if len(values) != count:
        message = f"`{path}` has {len(values)} entries, but there are {count} videos"
        raise UsageError(message, hint=f"`{option}` has one entry for each video")
    return values


def _lines(path: Path) -> list[Any]:
    return path.read_text("utf-8", "surrogateescape").splitlines()


def _array(path: Path) -> list[Any]:
    with path.open("rb") as file:
        stream = NpyStream(file, str(path))
        if not stream.shape or stream.nbytes > MOST_BYTES:
            raise UsageError(f"`{path}` is {list(stream.shape)}", hint=_HINT)
        return list(stream.whole().tolist())
