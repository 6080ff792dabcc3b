"""The verb extract: a folder of videos to a store of frame features."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..console import Console, counted, printable
from ..records import load_all
from .stopping import exit_on_signal

if TYPE_CHECKING:
    from ..extraction.options import ExtractOptions
    from ..extraction.report import ExtractReport

SAMPLING, VIEWS = "Which frames", "Spatial views"
BACKBONE, DECODING = "Backbone", "Decoding"
RUNNING = "Running"

PluginOption = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        help="Python module that registers something of your own; may be repeated.",
        callback=lambda given: load_all(given or ()),
        is_eager=True,
    ),
]


def option(help: str, panel: str, *flags: str, **how: Any) -> Any:
    """Return an option of one of the panels."""
    return typer.Option(*flags, help=help, rich_help_panel=panel, **how)


def extract(
    source: Annotated[
        Path, typer.Argument(metavar="VIDEOS", help="A folder, or a .csv or .jsonl list.")
    ],
    out: Annotated[
        list[Path] | None,
        typer.Option(
            help="The store to make: .h5 or .zarr; one for each --backbone, or one name for all.",
            show_default="feats.h5",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="`folders`: each video's first folder is its label. A file: a list with labels "
            "and splits (a file called so: `./folders`).",
            metavar="folders|FILE",
        ),
    ] = None,
    frames: Annotated[int, option("Frames of each video.", SAMPLING, min=1)] = 25,
    by: Annotated[
        Literal["index", "time"], option("Spread them over frames or over time.", SAMPLING)
    ] = "index",
    sampling: Annotated[
        str,
        option(
            "uniform, segment, random, consecutive, or keyframe: the nearest key frames, fast.",
            SAMPLING,
        ),
    ] = "uniform",
    per_segment: Annotated[
        int, option("Frames cached for each of the segments beside the middle.", SAMPLING, min=0)
    ] = 0,
    fit: Annotated[
        Literal["crop", "squash", "pad"], option("How a frame becomes a square.", SAMPLING)
    ] = "crop",
    views: Annotated[
        int, option("Augmented copies of each clip whose features are cached.", VIEWS, min=0)
    ] = 0,
    views_mode: Annotated[
        Literal["consistent", "per-frame"],
        option("One draw for all frames of a copy, or one for each frame.", VIEWS),
    ] = "consistent",
    augmentation: Annotated[
        str, option("What copies are drawn from, as `info` shows it.", VIEWS, metavar="LINE")
    ] = "",
    measure_augmentation: Annotated[
        int,
        option(
            "Measure on so many videos how augmentation moves features.",
            VIEWS,
            metavar="VIDEOS",
            min=0,
        ),
    ] = 0,
    seed: Annotated[int, option("Of random frames and copies.", VIEWS, min=0)] = 0,
    backbone: Annotated[
        list[str] | None,
        option(
            "`cnn`, `clip:MODEL/PRETRAINED` ...; several share one decoding.",
            BACKBONE,
            show_default="cnn",
        ),
    ] = None,
    dtype: Annotated[
        Literal["float16", "float32"], option("Numbers in the store.", BACKBONE)
    ] = "float16",
    device: Annotated[
        str, option("Where the backbone runs: auto, cpu, cuda, cuda:N.", BACKBONE)
    ] = "auto",
    batch: Annotated[int, option("Frames of one pass on a GPU.", BACKBONE, min=1)] = 256,
    half: Annotated[bool, option("Precision on a GPU.", BACKBONE, "--half/--full")] = True,
    compiled: Annotated[
        bool, option("Compile the network for the GPU first.", BACKBONE, "--compile")
    ] = False,
    threads: Annotated[
        int, option("CPU threads of the backbone for one video.", BACKBONE, min=1)
    ] = 1,
    trust_weights: Annotated[
        bool, option("Read .pt and .bin weights.", BACKBONE, "--trust-weights")
    ] = False,
    reader: Annotated[
        Literal["auto", "exact", "linear", "ffmpeg"],
        option("Which reader decodes; `auto` takes the fastest that is right.", DECODING),
    ] = "auto",
    hwaccel: Annotated[
        str, option("Hardware decoder of the ffmpeg program: cuda, vaapi ...", DECODING)
    ] = "",
    limit: Annotated[
        list[str] | None,
        option(
            "What one video may cost: memory, pixels, frames, duration, cpu_seconds, "
            "silence_seconds.",
            DECODING,
            metavar="NAME=VALUE",
        ),
    ] = None,
    strict: Annotated[
        bool, option("Count partly decodable videos as failed.", DECODING, "--strict")
    ] = False,
    follow_symlinks: Annotated[
        bool, option("Follow links out of the folder.", DECODING, "--follow-symlinks")
    ] = False,
    workers: Annotated[
        int | None, option("Videos at a time.", RUNNING, min=1, show_default="one a core")
    ] = None,
    engine: Annotated[
        Literal["local", "slurm", "ray"], option("Where it runs.", RUNNING)
    ] = "local",
    engine_set: Annotated[
        list[str] | None,
        option("Setting of the engine, such as partition=gpu.", RUNNING, metavar="NAME=VALUE"),
    ] = None,
    unit_videos: Annotated[
        int, option("Videos that a machine takes at a time.", RUNNING, min=1)
    ] = 256,
    plan: Annotated[bool, option("Only say what it would take.", RUNNING, "--plan")] = False,
    restart: Annotated[bool, option("Build the store anew.", RUNNING, "--restart")] = False,
    retry: Annotated[
        list[str] | None,
        option("Try failed videos again: corrupt, limit ... or all.", RUNNING, metavar="CLASS"),
    ] = None,
    as_json: Annotated[bool, option("Print the report as JSON.", RUNNING, "--json")] = False,
    plugin: PluginOption = None,
    quiet: Annotated[bool, option("Only errors.", RUNNING, "--quiet", "-q")] = False,
) -> None:
    """Turn a folder of videos into a store of frame features.

    Run it again to continue after an interruption, or to add new videos.

    Example: chainpipe extract videos/ --out feats.h5
    """
    from ..extraction.options import (
        ExtractOptions,
        failures_named,
        labels_named,
        limits_named,
        settings_named,
        stores_for,
    )
    from ..extraction.worker_pool import available_cpus

    first, *more = stores_for(backbone or ["cnn"], out or [Path("feats.h5")])
    options = ExtractOptions(
        source=source,
        out=first[1],
        labels=labels_named(labels),
        follow_symlinks=follow_symlinks,
        frames=frames,
        by=by,
        sampling=sampling,
        per_segment=per_segment,
        views=views,
        views_mode=views_mode,
        augmentation=augmentation,
        augmentation_videos=measure_augmentation,
        seed=seed,
        fit=fit,
        backbone=first[0],
        more=tuple(more),
        trust_weights=trust_weights,
        dtype=dtype,
        strict=strict,
        retry=failures_named(retry or ()),
        restart=restart,
        workers=workers or available_cpus(),
        threads=threads,
        device=device,
        batch=batch,
        half=half,
        compiled=compiled,
        reader=reader,
        hwaccel=hwaccel,
        limits=limits_named(limit or ()),
        engine=engine,
        engine_options=settings_named(engine_set or ()),
        unit_videos=unit_videos,
    )
    console = Console(quiet=quiet)
    if plan:
        _plan(options, console, as_json=as_json)
        return
    reports = _run(options, console)
    if as_json:
        facts = [report.facts() for report in reports]
        printed = facts[0] if len(facts) == 1 else {"schema": 1, "stores": facts}
        typer.echo(json.dumps(printed, indent=2))
    raise typer.Exit(max(report.exit_code for report in reports))


def _plan(options: ExtractOptions, console: Console, *, as_json: bool) -> None:
    from rich.console import Console as RichConsole

    from ..extraction.estimate import estimate, estimate_table

    with exit_on_signal(console, hint="nothing was written"):
        found = estimate(options, console=console)
    if as_json:
        typer.echo(json.dumps({"schema": 1, **asdict(found)}, indent=2))
    else:
        RichConsole(highlight=False).print(estimate_table(found))


def _run(options: ExtractOptions, console: Console) -> list[ExtractReport]:
    """Extract, and say how it went."""
    from ..extraction.extract import extract_all

    again = "the same command" + " without `--restart`" * options.restart
    with exit_on_signal(console, hint=f"what is finished is kept; {again} goes on from there"):
        reports = extract_all(options, console=console)
    for report in reports:
        _print_report(report, console)
    return reports


def _print_report(report: ExtractReport, console: Console) -> None:
    from ..extraction.report import report_table

    console.print_table(report_table(report))
    if not report.written:
        console.log("nothing to do: the store holds all of these videos already")
    if report.gone:
        console.log(
            f"{counted(report.gone, 'row')} of videos that are gone; `--restart` drops them"
        )
    if report.labelled and (bare := report.rows - report.labelled):
        console.log(f"{counted(bare, 'video')} without a label; `--labels` gives labels")
    if report.failures_file is not None:
        console.warn(f"{len(report.failed)} failed, listed in `{printable(report.failures_file)}`")
    if ours := sum(video.is_ours for video in report.failed):
        console.warn(
            f"{ours} of them by a bug in chainpipe: please report a traceback of that list"
        )
