"""The verb list: one line for each video of a store."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from ..console import json_text, printable
from ..errors import UsageError
from ..inputs.manifest_files import joined_labels
from ..records import Blank, Split, Status

if TYPE_CHECKING:
    from ..store import FeatureStore

CSV_COLUMNS = ("path", "id", "status", "duration", "label", "split", "blank", "root")
_BLOCK = 1000  # lines that are printed at once
SHORT_ID = 12  # characters of an id that people read


class VideoLine(TypedDict):
    """One video of a store, or one that failed; keys as in ``--json``."""

    schema: int
    path: str
    id: str | None
    status: str
    duration: float | None
    label: list[str]
    split: str
    blank: str | None
    root: str


def list_videos(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="A `.h5` or `.zarr` store.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="CSV that `extract` takes back as a list.")
    ] = False,
) -> None:
    """List the videos of a store: id, status, duration, labels, split, blank frames.

    Blank are videos whose sampled frames are black, white, of one colour (colour; other: of
    another colour each), or one picture (still). Videos that failed come last.

    Example: chainpipe list feats.h5
    """
    from ..store import open_store

    if as_json and as_csv:
        raise UsageError("`--json` and `--csv` are two formats", hint="leave out one of them")
    with open_store(store) as opened:
        if as_csv:
            _print([csv_line(dict(zip(CSV_COLUMNS, CSV_COLUMNS, strict=True)))])
        write: Callable[[VideoLine], str] = _csv if as_csv else _json if as_json else _text
        lines = map(write, video_lines(opened))
        while some := list(islice(lines, _BLOCK)):
            _print(some)


def video_lines(store: FeatureStore) -> Iterator[VideoLine]:
    """Yield what is known of each video, in the order of the store, then of each that failed."""
    table, root = store.videos, os.fsdecode(store.root)
    for row, path in enumerate(table.paths):
        blank = Blank(table.blank[row])
        yield VideoLine(
            schema=1,
            path=os.fsdecode(path),
            id=table.ids[row].tobytes().hex(),
            status=Status(table.status[row]).label,
            duration=float(table.duration[row]),
            label=list(table.names_of(row)),
            split=Split(table.split[row]).name.lower(),
            blank=None if blank is Blank.UNKNOWN else blank.name.lower(),
            root=root,
        )
    for video in store.failed:
        yield VideoLine(
            schema=1,
            path=os.fsdecode(video.path),
            id=None,
            status=video.status.label,
            duration=None,
            label=[],
            split="none",
            blank=None,
            root=root,
        )


def csv_line(fields: dict[str, Any]) -> str:
    """Return one line of CSV, without its end."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow([fields[name] for name in CSV_COLUMNS])
    return file.getvalue().removesuffix("\n")


def _json(line: VideoLine) -> str:
    return json_text(line)


def _csv(line: VideoLine) -> str:
    return csv_line({**line, "label": joined_labels(line["label"])})


def _text(line: VideoLine) -> str:
    """Return a line for people: columns of one width, the path last."""
    duration = "" if line["duration"] is None else f"{line['duration']:.2f} s"
    blank = "?" if line["blank"] is None and line["id"] else line["blank"] or ""
    columns = (
        f"{(line['id'] or '')[:SHORT_ID]:{SHORT_ID}}",
        f"{line['status']:10}",
        f"{duration:>12}",
        f"{'' if line['split'] == 'none' else line['split']:8}",
        f"{'' if blank == 'none' else blank:6}",
        printable(line["path"]),
        f"[{', '.join(map(printable, line['label']))}]" if line["label"] else "",
    )
    return "  ".join(columns).rstrip()


def _print(lines: Sequence[str]) -> None:
    """Print some lines; bytes of a path that are no UTF-8 come out as they are."""
    typer.echo("\n".join(lines).encode("utf-8", "surrogateescape"))
