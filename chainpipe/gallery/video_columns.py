"""What the pages show of each video: one list a column, as short as it can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.records import Blank, Split, Status
from chainpipe.pipeline.store.base import FeatureStore

from .strips import Strip, frame_size

_SPOKEN = {
    Blank.BLACK: "black",
    Blank.WHITE: "white",
    Blank.COLOUR: "one colour",
    Blank.STILL: "one picture that does not move",
    Blank.OTHER: "no picture",
}


def video_columns(
    store: FeatureStore,
    strips: Mapping[int, Strip],
    files: Mapping[Strip, str],
    *,
    missing: Mapping[int, str],
    blank: Mapping[int, str],
) -> dict[str, Any]:
    """Return the columns of N videos, and what is known of those without a row.

    Args:
        store: The library.
        strips: Of each row that has one.
        files: The files of the strips that were made.
        missing: Why a row has no pictures.
        blank: Why a row is compared with no other, besides the reason in the store.
    """
    table = store.videos
    rows = range(len(table))
    names = [printable(path) for path in table.paths]
    texts = [path.decode("utf-8", "backslashreplace") for path in table.paths]
    encoded = zip(table.paths, texts, strict=True)
    made = {row: strip for row, strip in strips.items() if strip in files}
    return {
        "names": names,
        "paths": {row: text for row, text in enumerate(texts) if text != names[row]},
        "pathBytes": {
            row: path.hex() for row, (path, text) in enumerate(encoded) if text.encode() != path
        },
        "ids": [row.tobytes().hex() for row in table.ids],
        "seconds": [round(float(value), 2) for value in table.duration],
        "width": table.width.tolist(),
        "height": table.height.tolist(),
        "fps": [round(float(value), 2) for value in table.fps],
        "bytes": table.size.tolist(),
        "labelNames": list(table.label_names),
        "labels": [[int(at) for at in row.nonzero()[0]] for row in table.labels],
        "splits": [Split(int(value)).name.lower() for value in table.split],
        "status": [Status(int(value)).label for value in table.status],
        "notes": {row: printable(table.notes[row]) for row in rows if table.notes[row]},
        "blank": {int(row): printable(why) for row, why in blank.items()} | _blank(store),
        "missing": {int(row): printable(why) for row, why in missing.items()},
        "strips": {
            row: strip_facts(files[strip], strip, frame_size(table, row))
            for row, strip in made.items()
        },
        "failed": [
            {
                "name": printable(one.path),
                "status": one.status.label,
                "message": printable(one.message),
                "attempts": one.attempts,
            }
            for one in store.failed
        ],
    }


def strip_facts(file: str, strip: Strip, size: tuple[int, int]) -> list[Any]:
    """Return what a page needs to show a strip: file, width and height of a frame, seconds."""
    return [file, *size, [round(second, 2) for second in strip.seconds]]


def _blank(store: FeatureStore) -> dict[int, str]:
    kinds = ((row, Blank(int(value))) for row, value in enumerate(store.videos.blank))
    return {row: _SPOKEN[kind] for row, kind in kinds if kind in _SPOKEN}
