"""Places of clips in films: lines for people, JSON, and both ends of each as pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.console import counted, json_text, printable

from ..films.records import ClipPlace
from .contact_sheet import TILE, SheetRow, Tile, draw_sheet, write_sheet

INSIDE = 0.1  # seconds inside of a place at which its ends are drawn
MOST = 40  # places that are drawn

Picture = npt.NDArray[np.uint8] | None
Moments = Callable[[Path, Sequence[float], int], list[Picture]]


class FoundClip(NamedTuple):
    """A clip and its places.

    Attributes:
        query: As the user wrote it, or its path in a store.
        file: The clip.
        duration: In seconds.
        places: The surest first; often none.
    """

    query: str
    file: Path
    duration: float
    places: list[ClipPlace]


def lines_of(found: Sequence[FoundClip], paths: Sequence[bytes]) -> list[str]:
    """Return a line for each place, and one for each clip that is in no film.

    Args:
        found: The clips.
        paths: Of the films, as the store has them.
    """
    lines = []
    for one in found:
        name = "" if len(found) == 1 else f"{printable(one.query)} in "
        lines += [name + _line(place, one.duration, paths) for place in one.places]
        if not one.places:
            lines.append(f"{printable(one.query)} is in none of {counted(len(paths), 'video')}")
    return lines


def json_lines(found: Sequence[FoundClip], paths: Sequence[bytes]) -> list[str]:
    """Return one JSON object for each place; ``path`` is null where a clip is in no film."""
    none = dict.fromkeys(("path", "start", "end", "query_start", "query_end", "speed", "score"))
    lines = []
    for one in found:
        lines += [json_text(_facts(one.query, place, paths)) for place in one.places]
        if not one.places:
            lines.append(json_text({"schema": 1, "query": one.query, **none}))
    return lines


def clock(seconds: float) -> str:
    """Return a moment as hours, minutes, seconds and tenths.

    >>> clock(754.16), clock(3599.97)
    ('00:12:34.2', '01:00:00.0')
    """
    tenths = round(max(0.0, seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 10:02d}.{rest % 10}"


def draw_places(
    path: Path, found: Sequence[FoundClip], paths: Sequence[bytes], root: Path, moments: Moments
) -> None:
    """Draw both ends of each place: of the clip, and of the film beside it.

    Args:
        path: The PNG file.
        found: The clips.
        paths: Of the films, as the store has them.
        root: Folder that they are relative to.
        moments: Returns the pictures of a file at some seconds, of a size in pixels.

    Raises:
        StorageError: If the file cannot be written.
        ValueError: If there is no place.
    """
    rows = []
    places = [(one, place) for one in found for place in one.places][:MOST]
    for one, place in places:
        film = os.fsdecode(paths[place.row])
        clip_ends = place.query_start + INSIDE, max(0.0, place.query_end - INSIDE)
        shift = INSIDE * place.speed
        film_ends = place.start + shift, max(0.0, place.end - shift)
        clip = moments(one.file, clip_ends, 2 * TILE[0])
        shown = moments(root / film, film_ends, 2 * TILE[0])
        name = printable(one.query)
        tiles = [
            Tile(shown[0], clock(place.start), printable(film), "unknown"),
            Tile(clip[1], f"clip {clock(place.query_end)}", name, "unknown"),
            Tile(shown[1], clock(place.end), printable(film), "unknown"),
        ]
        start = Tile(clip[0], f"clip {clock(place.query_start)}", name, "query")
        rows.append(SheetRow(start, tiles))
    title = f"{counted(len(places), 'place')}: start and end of the clip, each beside the film"
    write_sheet(path, draw_sheet(rows, title=title))


def _line(place: ClipPlace, duration: float, paths: Sequence[bytes]) -> str:
    span = f"{clock(place.start)}-{clock(place.end)}"
    whole = place.query_start <= 0.05 and place.query_end >= duration - 0.05
    part = "" if whole else f" clip {clock(place.query_start)}-{clock(place.query_end)}"
    words = f"speed {place.speed:.2f} score {place.score:.2f}"
    return f"{printable(paths[place.row])} {span} {words}{part}"


def _facts(query: str, place: ClipPlace, paths: Sequence[bytes]) -> dict[str, object]:
    return {
        "schema": 1,
        "query": query,
        "path": os.fsdecode(paths[place.row]),
        "start": round(place.start, 3),
        "end": round(place.end, 3),
        "query_start": round(place.query_start, 3),
        "query_end": round(place.query_end, 3),
        "speed": round(place.speed, 4),
        "score": round(place.score, 4),
    }
