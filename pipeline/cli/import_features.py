"""The verb import: embeddings made elsewhere to a store of frame features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import Console, counted, format_size, json_text, printable
from ..options import STORE

if TYPE_CHECKING:
    from rich.table import Table

    from ..importing.import_features import ImportReport

COLUMNS, STORED = "Which columns", "What is stored"


def import_features(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE",
            help="A file or folder: .npy, .npz, Parquet, HDF5, WebDataset's tars, or a folder that "
            "the library datasets saved; several files of one kind follow each other.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Store to write, .h5 or .zarr.")] = Path(STORE),
    column: Annotated[
        str | None,
        typer.Option(
            "--column",
            "--key",
            help="Column, data set, array or member of the features.",
            show_default="the only one that can be",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option(
            help="Same, of the videos' names; beside a .npy file a .npy or .txt file, like the "
            "next two.",
            show_default="file names, keys, or numbers",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Same, of the labels.", rich_help_panel=COLUMNS)
    ] = None,
    split_column: Annotated[
        str | None, typer.Option(help="Same, of the splits.", rich_help_panel=COLUMNS)
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            help="HDF5 group with a data set for each video, or with a group for each video that "
            "has --column; / is the whole file.",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            "--labels-file",
            help="`folders`: the first folder of a video's name is its label. A file: a list with "
            "labels and splits, as for extract.",
            metavar="folders|FILE",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    dtype: Annotated[
        str,
        typer.Option(
            help="auto (float16 and float32 stay as they are), float16 (f2) or float32 (f4).",
            rich_help_panel=STORED,
        ),
    ] = "auto",
    backbone: Annotated[
        str,
        typer.Option(help="Name of the network that made the features.", rich_help_panel=STORED),
    ] = "unknown",
    every: Annotated[
        float,
        typer.Option(
            help="Seconds between two frames, so that clips are found with times; 0: not known.",
            metavar="SECONDS",
            rich_help_panel=STORED,
        ),
    ] = 0.0,
    videos: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the videos that the names are paths in.",
            metavar="FOLDER",
            show_default="that of SOURCE",
            rich_help_panel=STORED,
        ),
    ] = None,
    skip_bad: Annotated[
        bool,
        typer.Option(
            "--skip-bad",
            help="Leave out videos with NaN, infinity or nothing.",
            rich_help_panel=STORED,
        ),
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Replace a store that is there.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False,
) -> None:
    """Make a store of features that something else computed; so does `chainpipe import SOURCE`.

    [N, T, D] is N videos of T frames, [N, D] one frame a video. Videos may differ in length.

    Examples: chainpipe import feats.npy --out feats.h5 · chainpipe import clips.parquet
    --column emb --id-column path --label-column class --out feats.h5
    """
    from ..extraction.option_values import labels_named
    from ..importing.import_features import import_features as run
    from ..importing.import_options import ImportOptions
    from ..importing.source import ColumnNames

    console = Console(quiet=quiet)
    options = ImportOptions(
        sources=tuple(sources),
        out=out,
        names=ColumnNames(column, id_column, label_column, split_column, group),
        labels=labels_named(labels),
        dtype=dtype,  # type: ignore[arg-type]
        backbone=backbone,
        every=every,
        videos=videos,
        skip_bad=skip_bad,
        restart=restart,
    )
    report = run(options, console=console)
    if as_json:
        typer.echo(json_text(report_facts(report)))
        return
    for note in report.notes:
        console.warn(note)
    if report.bad:
        console.warn(f"{counted(len(report.bad), 'video')} left out: {_numbers(report.bad)}")
    console.print_table(_table(report))
    if report.unchanged:
        console.log("nothing to do: the store holds exactly this already")
    if report.unread:
        console.log(f"not read: {', '.join(f'`{printable(name)}`' for name in report.unread)}")
    typer.echo(out)


def report_facts(report: ImportReport) -> dict[str, object]:
    """Return how an import went as JSON-able facts."""
    meta = report.meta
    return {
        "schema": 1,
        "store": str(report.out),
        "column": report.column,
        "videos": report.videos,
        "frames": list(report.lengths),
        "dim": meta.fingerprint.dim,
        "dtype": meta.dtype,
        "every": meta.every,
        "backbone": meta.fingerprint.backbone,
        "labelled": report.labelled,
        "left_out": list(report.bad),
        "unchanged": report.unchanged,
        "notes": list(report.notes),
    }


def _numbers(rows: tuple[int, ...]) -> str:
    listed = ", ".join(map(str, rows[:10]))
    return f"{listed} ..." if len(rows) > 10 else listed


def _table(report: ImportReport) -> Table:
    from rich.table import Table

    from ..store import bytes_on_disk

    few, most = report.lengths
    meta = report.meta
    table = Table(title=printable(report.out), title_justify="left", show_header=False)
    frames = counted(most, "frame") if few == most else f"{few} to {counted(most, 'frame')}"
    table.add_row("videos", str(report.videos))
    table.add_row("features", f"{frames} x {meta.fingerprint.dim}, {meta.dtype}")
    if report.column:
        table.add_row("read of", printable(report.column))
    table.add_row("backbone", printable(meta.fingerprint.backbone))
    table.add_row("labels", f"{report.labelled} of {counted(report.videos, 'video')}")
    table.add_row("size", format_size(bytes_on_disk(report.out)))
    return table
