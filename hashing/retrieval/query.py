"""Parse a query: a video file, a path in the store, or the first digits of a video's id."""

from __future__ import annotations

import hashlib
import os
import string
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import VideoTable

SHORTEST_ID = 8  # hexadecimal digits
NEAREST = 3  # paths that a hint names
COMPARED = 20_000  # paths that a mistyped one is compared with


@dataclass(frozen=True, slots=True)
class Query:
    """One query.

    Attributes:
        text: As the user wrote it.
        rows: Rows of the store that hold this very video (the same bytes), the best fit first;
            empty if it is not in the store.
        file: The video file, if it is not in the store.
    """

    text: str
    rows: tuple[int, ...]
    file: Path | None = None


def find_query(text: str, videos: VideoTable, root: bytes) -> Query:
    """Resolve a query text to rows of the store or to a video file.

    Tried in this order: a video file (in the store if a row has its bytes), a path as the store
    has it, the first digits of a video's id.

    Args:
        text: A path or at least 8 hexadecimal digits.
        videos: The store's videos.
        root: The folder that their paths are relative to.

    Raises:
        UsageError: If it is none of these, the id is ambiguous, or the file cannot be read.
    """
    if Path(text).is_file():
        return _by_file(text, videos, root)
    named = [row for row, path in enumerate(videos.paths) if path == os.fsencode(text)]
    if named:
        return Query(text, _same_video(videos, named[0]))
    return _by_id(text, videos)


def _by_file(text: str, videos: VideoTable, root: bytes) -> Query:
    try:
        row = _row_of_file(Path(text), videos, root)
        if row is not None:
            return Query(text, _same_video(videos, row))
        with open(text, "rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        message = f"cannot read `{printable(text)}`: {error.strerror}"
        raise UsageError(message, hint="name a video file that you may read") from error
    rows = tuple(_rows_of_id(videos, np.frombuffer(content, np.uint8)))
    return Query(text, rows, None if rows else Path(text))


def _row_of_file(path: Path, videos: VideoTable, root: bytes) -> int | None:
    """Return the row that was made from this file, if its size and time are unchanged."""
    try:
        name = os.fsencode(path.resolve().relative_to(Path(os.fsdecode(root)).resolve()))
    except ValueError:
        return None
    facts = path.stat()
    for row, other in enumerate(videos.paths):
        if other == name:
            now = (facts.st_size, facts.st_mtime_ns)
            return row if now == (videos.size[row], videos.mtime_ns[row]) else None
    return None


def _by_id(text: str, videos: VideoTable) -> Query:
    name, digits = printable(text), text.lower()
    if not digits or set(digits) - set(string.hexdigits):
        raise UsageError(
            f"`{name}` is neither a file nor a video of this store",
            hint=_nearest_paths(text, videos),
        )
    if len(digits) < SHORTEST_ID:
        message = f"`{name}` is too short for a video's id"
        raise UsageError(message, hint=f"give at least {SHORTEST_ID} digits of it")
    hexes = [bytes(one).hex() for one in videos.ids]
    rows = [row for row, one in enumerate(hexes) if one.startswith(digits)]
    different = sorted({hexes[row] for row in rows})
    if not rows:
        hint = "`chainpipe search --json` prints ids beside paths; a path or a file will do, too"
        raise UsageError(f"no video of this store has an id that starts with `{name}`", hint=hint)
    if len(different) > 1:
        hint = f"give more digits: {', '.join(different[:3])}"
        raise UsageError(f"`{name}` could be {len(different)} different videos", hint=hint)
    return Query(text, tuple(rows))


def _nearest_paths(text: str, videos: VideoTable) -> str:
    """Name the paths of the store that are most like a text, or how its paths look."""
    paths = [printable(path) for path in videos.paths[:COMPARED]]
    text = printable(text)
    close = [path for path in paths if text and text.lower() in path.lower()][:NEAREST]
    close = close or get_close_matches(text, paths, n=NEAREST, cutoff=0.6)
    if not close:  # a folder too many or too few
        names = {path.rpartition("/")[2]: path for path in reversed(paths)}
        typed = text.rpartition("/")[2]
        close = [names[name] for name in get_close_matches(typed, names, n=NEAREST, cutoff=0.8)]
    if close:
        return f"did you mean {' or '.join(f'`{path}`' for path in close)}?"
    known = ", ".join(f"`{path}`" for path in paths[:NEAREST])
    return f"give a video file, a video's id, or a path as the store has it, such as {known}"


def _same_video(videos: VideoTable, row: int) -> tuple[int, ...]:
    others = [int(one) for one in _rows_of_id(videos, videos.ids[row]) if one != row]
    return (row, *others)


def _rows_of_id(videos: VideoTable, wanted: np.ndarray) -> list[int]:
    return [int(row) for row in np.flatnonzero((videos.ids == wanted).all(axis=1))]
