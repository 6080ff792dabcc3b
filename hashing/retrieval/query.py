"""Parse a query: a file, a path in the store, or the first digits of a video's id."""

from __future__ import annotations

import hashlib
import os
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError

from .bitpack import U8
from .packed_paths import PackedPaths

SHORTEST_ID = 8  # hexadecimal digits
_HEX = frozenset(string.hexdigits)
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
        itself: The row that was asked for, which is no answer; ``None`` where a file elsewhere
            has the bytes of some rows.
    """

    text: str
    rows: tuple[int, ...]
    file: Path | None = None
    itself: int | None = None

    @property
    def copies(self) -> tuple[int, ...]:
        """Rows with the same bytes beside the one that was asked for, ascending."""
        return tuple(sorted(row for row in self.rows if row != self.itself))


@dataclass(frozen=True, slots=True, eq=False)
class VideoNames:
    """What queries are compared with: the names of a store's N videos.

    Attributes:
        paths: As the store has them.
        ids: SHA-256 of each file's bytes, (N, 32).
        root: The folder that the paths are relative to.
        file_state: Returns the size in bytes and the time in nanoseconds that a row's file had.
    """

    paths: Sequence[bytes]
    ids: U8
    root: bytes
    file_state: Callable[[int], tuple[int, int]]


def find_queries(texts: Sequence[str], names: VideoNames) -> list[Query]:
    """Resolve query texts to rows of the store or to video files, in one pass over the names.

    Tried in this order: a file (in the store if a row has its bytes), a path as the store has it,
    the first digits of a video's id.

    Args:
        texts: Paths, or at least 8 hexadecimal digits each.
        names: Of the store's videos.

    Raises:
        UsageError: If one is none of these, an id is ambiguous, or a file cannot be read.
    """
    paths = PackedPaths.of(names.paths)
    asked = [_asked(text, paths, names) for text in texts]
    alike = _rows_alike(names.ids, [one.digits for one in asked])
    return [_query(text, one, alike, names.ids) for text, one in zip(texts, asked, strict=True)]


class _Asked(NamedTuple):
    """What a text asks for: the row that fits best, if one does, and digits of the video's id."""

    row: int | None
    digits: str
    file: Path | None = None


def _asked(text: str, paths: PackedPaths, names: VideoNames) -> _Asked:
    file = Path(text)
    if not file.is_file():
        row = paths.find(os.fsencode(text))
        digits = _digits(text, names.paths) if row is None else _hex(names.ids[row])
        return _Asked(row, digits)
    try:
        row = _row_of_file(file, paths, names)
        if row is not None:
            return _Asked(row, _hex(names.ids[row]))
        with file.open("rb") as content:
            return _Asked(None, hashlib.file_digest(content, "sha256").hexdigest(), file)
    except OSError as error:
        message = f"cannot read `{printable(text)}`: {error.strerror}"
        raise UsageError(message, hint="name a file that you may read") from error


def _row_of_file(path: Path, paths: PackedPaths, names: VideoNames) -> int | None:
    """Return the row that was made from this file, if its size and time are unchanged."""
    try:
        below = path.resolve().relative_to(Path(os.fsdecode(names.root)).resolve())
    except ValueError:
        return None
    row, facts = paths.find(os.fsencode(below)), path.stat()
    if row is None or names.file_state(row) != (facts.st_size, facts.st_mtime_ns):
        return None
    return row


def _digits(text: str, paths: Sequence[bytes]) -> str:
    """Return the digits of an id that is neither a file nor a path."""
    digits = text.lower()
    if not digits or set(digits) - _HEX:
        raise UsageError(
            f"`{printable(text)}` is neither a file nor a video of this store",
            hint=_nearest_paths(text, paths),
        )
    if len(digits) < SHORTEST_ID:
        message = f"`{printable(text)}` is too short for a video's id"
        raise UsageError(message, hint=f"give at least {SHORTEST_ID} digits of it")
    return digits


def _rows_alike(ids: U8, digits: Sequence[str]) -> dict[str, list[int]]:
    """Return the rows of all ids that share their first 8 digits with one of some others."""
    wanted = {bytes.fromhex(one[:SHORTEST_ID]) for one in digits}
    starts = np.zeros(1 << 16, bool)  # of the first two bytes: leaves few rows to look at
    starts[np.frombuffer(b"".join(one[:2] for one in wanted), np.uint16)] = True
    firsts = np.ascontiguousarray(ids).view(np.uint16)[:, 0].copy()
    alike: dict[str, list[int]] = {}
    for row in np.flatnonzero(starts.take(firsts)).tolist():
        if (head := ids[row, : SHORTEST_ID // 2].tobytes()) in wanted:
            alike.setdefault(head.hex(), []).append(row)
    return alike


def _query(text: str, asked: _Asked, alike: Mapping[str, Sequence[int]], ids: U8) -> Query:
    near = alike.get(asked.digits[:SHORTEST_ID], ())
    rows = [row for row in near if _hex(ids[row]).startswith(asked.digits)]
    if asked.row is not None:
        others = (row for row in rows if row != asked.row)
        return Query(text, (asked.row, *others), itself=asked.row)
    if asked.file is not None:
        return Query(text, tuple(rows), None if rows else asked.file)
    if not rows:
        name = printable(text)
        hint = "`chainpipe search --json` prints ids beside paths; a path or a file will do, too"
        raise UsageError(f"no video of this store has an id that starts with `{name}`", hint=hint)
    different = sorted({_hex(ids[row]) for row in rows})
    if len(different) > 1:
        name = printable(text)
        hint = f"give more digits: {', '.join(different[:3])}"
        raise UsageError(f"`{name}` could be {len(different)} different videos", hint=hint)
    return Query(text, tuple(rows), itself=rows[0])


def _hex(video_id: U8) -> str:
    return video_id.tobytes().hex()


def _nearest_paths(text: str, known: Sequence[bytes]) -> str:
    """Name the paths of the store that are most like a text, or how its paths look."""
    from difflib import get_close_matches

    paths = [printable(path) for path in known[:COMPARED]]
    text = printable(text)
    close = [path for path in paths if text and text.lower() in path.lower()][:NEAREST]
    close = close or get_close_matches(text, paths, n=NEAREST, cutoff=0.6)
    if not close:  # a folder too many or too few
        names = {path.rpartition("/")[2]: path for path in reversed(paths)}
        typed = text.rpartition("/")[2]
        close = [names[name] for name in get_close_matches(typed, names, n=NEAREST, cutoff=0.8)]
    if close:
        return f"did you mean {' or '.join(f'`{path}`' for path in close)}?"
    first = ", ".join(f"`{path}`" for path in paths[:NEAREST])
    return f"give a file, a video's id, or a path as the store has it, such as {first}"
