"""Stage one's verbs: extract, info, verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.talk import Talk, shown

if TYPE_CHECKING:
    from pipeline.options import ExtractOptions
    from pipeline.report import ExtractReport

PANEL = "Stage one: videos to features"

app = typer.Typer(no_args_is_help=True)

Store = Annotated[Path, typer.Argument(metavar="STORE", help="A `.h5` or `.zarr` store.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command(rich_help_panel=PANEL)
def extract(
    source: Annotated[
        Path, typer.Argument(metavar="VIDEOS", help="A folder, or a .csv or .jsonl list.")
    ],
    out: Annotated[Path, typer.Option(help="The store to make: .h5 or .zarr.")] = Path("feats.h5"),
    frames: Annotated[int, typer.Option(min=1, help="Frames of each video.")] = 25,
    by: Annotated[
        Literal["index", "time"], typer.Option(help="Spread them over frames or over time.")
    ] = "index",
    fit: Annotated[
        Literal["crop", "squash", "pad"], typer.Option(help="How a frame becomes a square.")
    ] = "crop",
    backbone: Annotated[
        str, typer.Option(help="`cnn`, `clip:MODEL/PRETRAINED`, `clip:local-dir:FOLDER` ...")
    ] = "cnn",
    dtype: Annotated[
        Literal["float16", "float32"], typer.Option(help="Numbers in the store.")
    ] = "float16",
    labels: Annotated[
        Path | None, typer.Option(help="List whose labels and splits win over the folders'.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Videos at a time.", show_default="one a core")
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, help="CPU threads of the backbone for one video.")
    ] = 1,
    device: Annotated[
        str, typer.Option(help="Where the backbone runs: auto, cpu, cuda, cuda:N.")
    ] = "auto",
    restart: Annotated[bool, typer.Option("--restart", help="Build the store anew.")] = False,
    retry: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS", help="Try failed videos again: corrupt, limit ... or all."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Count partly decodable videos as failed.")
    ] = False,
    follow_symlinks: Annotated[
        bool, typer.Option("--follow-symlinks", help="Follow links out of the folder.")
    ] = False,
    trust_weights: Annotated[
        bool, typer.Option("--trust-weights", help="Read .pt and .bin weights.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False,
) -> None:
    """Turn a folder of videos into a store of frame features.

    Run it again to continue after an interruption, or to add new videos.

    Example: chainpipe extract videos/ --out feats.h5
    """
    from pipeline.crew import cores
    from pipeline.options import ExtractOptions, failures_named

    options = ExtractOptions(
        source=source, out=out, labels=labels, follow_symlinks=follow_symlinks, frames=frames,
        by=by, fit=fit, backbone=backbone, trust_weights=trust_weights, dtype=dtype,
        strict=strict, retry=failures_named(retry or ()), restart=restart,
        workers=workers or cores(), threads=threads, device=device,
    )  # fmt: skip
    report = _run(options, Talk(quiet=quiet))
    if as_json:
        typer.echo(json.dumps(report.facts(), indent=2))
    raise typer.Exit(report.exit_code)


@app.command(rich_help_panel=PANEL)
def info(store: Store, as_json: Json = False) -> None:
    """Show what is inside a feature store.

    Example: chainpipe info feats.h5
    """
    from rich.console import Console

    from pipeline.info import failures_table, store_facts, store_table
    from pipeline.store import open_store

    with open_store(store) as opened:
        if as_json:
            typer.echo(json.dumps(store_facts(opened), indent=2))
            return
        console = Console(highlight=False)
        console.print(store_table(opened))
        if opened.failed:
            console.print(failures_table(opened))


@app.command(rich_help_panel=PANEL)
def verify(store: Store, as_json: Json = False) -> None:
    """Check every byte of a feature store; exit with 4 if any is damaged.

    Example: chainpipe verify feats.h5
    """
    from pipeline.store import open_store

    with open_store(store) as opened:
        damage = list(opened.damage())
        count = len(opened.videos)
    if as_json:
        facts = {"schema": 1, "path": shown(store), "videos": count, "damage": damage}
        typer.echo(json.dumps(facts, indent=2))
    else:
        for line in damage:
            typer.echo(line)
    if damage:
        Talk().hint("extract these videos again with `--restart`, or take a copy of the store")
        raise typer.Exit(4)
    Talk().success(f"`{shown(store)}` is whole: {count} videos")


def _run(options: ExtractOptions, talk: Talk) -> ExtractReport:
    """Extract, and say how it went."""
    from pipeline.extract import extract as extract_videos
    from pipeline.interrupt import Interrupted
    from pipeline.report import report_table

    try:
        report = extract_videos(options, talk=talk)
    except Interrupted as interrupted:
        talk.error(str(interrupted))
        talk.hint("what is finished is kept; the same command goes on from there")
        raise typer.Exit(interrupted.exit_code) from None
    talk.show(report_table(report))
    if not report.written:
        talk.say("nothing to do: the store holds all of these videos already")
    if report.gone:
        talk.say(f"{report.gone} rows are of videos that are gone; `--restart` drops them")
    if report.failures_file is not None:
        talk.warn(f"{len(report.failed)} failed, listed in `{shown(report.failures_file)}`")
    return report
