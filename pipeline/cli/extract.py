"""The verb extract: a folder of videos to a store of frame features."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..console import Console, counted, json_text, printable, some_names
from ..options import (
    BACKBONE,
    STORE,
    BackboneOptions,
    By,
    DecodeOptions,
    Dtype,
    EngineName,
    EngineOptions,
    Fit,
    InputOptions,
    OutputOptions,
    ReaderName,
    SamplingOptions,
    ViewOptions,
    ViewsMode,
    available_cpus,
)
from ..records import load_all
from .stopping import exit_on_signal

if TYPE_CHECKING:
    from ..extraction.options import ExtractOptions
    from ..extraction.report import ExtractReport

FRAMES, VIEWS, BACKBONES = "Which frames", "Spatial views", "Backbone"
DECODING, RUNNING = "Decoding", "Running"

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
    """Return an option that `--help` shows in one of the panels."""
    return typer.Option(*flags, help=help, rich_help_panel=panel, **how)


def extract(
    source: Annotated[
        Path,
        typer.Argument(metavar="VIDEOS", help="A folder, or a list: .csv, .tsv, .txt, .jsonl."),
    ],
    out: Annotated[
        list[Path] | None,
        typer.Option(
            help="Store to write, .h5 or .zarr: one for each --backbone, or one name for all.",
            show_default=STORE,
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
    frames: Annotated[int, option("Frames of each video.", FRAMES, min=1)] = SamplingOptions.frames,
    by: Annotated[
        By, option("Sample uniformly over frame numbers or over time.", FRAMES)
    ] = SamplingOptions.by,
    sampling: Annotated[
        str,
        option(
            "uniform, segment, random, consecutive, or keyframe: the nearest key frames, fast.",
            FRAMES,
        ),
    ] = SamplingOptions.sampling,
    per_segment: Annotated[
        int, option("Candidate frames cached for each segment.", FRAMES, min=0)
    ] = SamplingOptions.per_segment,
    every: Annotated[
        float,
        option(
            "Store a frame every so many seconds, for `find` in films; 0: the same number of each.",
            FRAMES,
            metavar="SECONDS",
            min=0,
        ),
    ] = SamplingOptions.every,
    fit: Annotated[Fit, option("How a frame becomes a square.", FRAMES)] = DecodeOptions.fit,
    views: Annotated[
        int, option("Augmented views cached for each clip.", VIEWS, min=0)
    ] = ViewOptions.views,
    views_mode: Annotated[
        ViewsMode, option("One draw for all frames of a view, or one for each frame.", VIEWS)
    ] = ViewOptions.views_mode,
    augmentation: Annotated[
        str, option("Augmentation parameters, as `info` shows them.", VIEWS, metavar="LINE")
    ] = ViewOptions.augmentation,
    measure_augmentation: Annotated[
        int,
        option(
            "Measure feature shifts under augmentation on this many videos.",
            VIEWS,
            metavar="VIDEOS",
            min=0,
        ),
    ] = ViewOptions.measure_augmentation,
    seed: Annotated[
        int, option("Seed of random frames and views.", VIEWS, min=0)
    ] = SamplingOptions.seed,
    backbone: Annotated[
        list[str] | None,
        option(
            "`cnn`, `clip:`, `timm:`, `onnx:`, `st:`, `hf:` ...; several share one decoding.",
            BACKBONES,
            show_default=BACKBONE,
        ),
    ] = None,
    dtype: Annotated[
        Dtype, option("Type of the stored features.", BACKBONES)
    ] = OutputOptions.dtype,
    device: Annotated[
        str, option("Where the backbone runs: auto, cpu, cuda, cuda:N.", BACKBONES)
    ] = BackboneOptions.device,
    batch: Annotated[
        int, option("Batch size on a GPU, in frames.", BACKBONES, min=1)
    ] = BackboneOptions.batch,
    half: Annotated[
        bool, option("Precision on a GPU.", BACKBONES, "--half/--full")
    ] = BackboneOptions.half,
    compiled: Annotated[
        bool, option("Compile the network for the GPU first.", BACKBONES, "--compile")
    ] = BackboneOptions.compiled,
    threads: Annotated[
        int, option("CPU threads of the backbone for one video.", BACKBONES, min=1)
    ] = BackboneOptions.threads,
    trust_weights: Annotated[
        bool, option("Load .pt and .bin weights, which are pickles.", BACKBONES, "--trust-weights")
    ] = BackboneOptions.trust_weights,
    reader: Annotated[
        ReaderName, option("Reader; `auto` takes the fastest exact one.", DECODING)
    ] = DecodeOptions.reader,
    hwaccel: Annotated[
        str, option("Hardware decoder of the ffmpeg program: cuda, vaapi ...", DECODING)
    ] = DecodeOptions.hwaccel,
    limit: Annotated[
        list[str] | None,
        option(
            "Limit of one video: memory, pixels, frames, duration, cpu_seconds, silence_seconds.",
            DECODING,
            metavar="NAME=VALUE",
        ),
    ] = None,
    strict: Annotated[
        bool, option("Count partly decodable videos as failed.", DECODING, "--strict")
    ] = OutputOptions.strict,
    any_suffix: Annotated[
        bool, option("Read files of every suffix, not only videos'.", DECODING, "--any-suffix")
    ] = InputOptions.any_suffix,
    settle: Annotated[
        float,
        option(
            "Leave files that grew within so many seconds for the next run; 0: take all.",
            DECODING,
            metavar="SECONDS",
            min=0,
        ),
    ] = InputOptions.settle,
    follow_symlinks: Annotated[
        bool, option("Follow links out of the folder.", DECODING, "--follow-symlinks")
    ] = InputOptions.follow_symlinks,
    workers: Annotated[
        int | None, option("Videos at a time.", RUNNING, min=1, show_default="one a core")
    ] = None,
    engine: Annotated[
        EngineName, option("Engine that runs the extraction.", RUNNING)
    ] = EngineOptions.engine,
    engine_set: Annotated[
        list[str] | None,
        option("Setting of the engine, such as partition=gpu.", RUNNING, metavar="NAME=VALUE"),
    ] = None,
    unit_videos: Annotated[
        int, option("Videos of one unit of work for another machine.", RUNNING, min=1)
    ] = EngineOptions.unit_videos,
    plan: Annotated[
        bool, option("Estimate time and size; extract nothing.", RUNNING, "--plan")
    ] = False,
    restart: Annotated[
        bool, option("Build the store anew.", RUNNING, "--restart")
    ] = OutputOptions.restart,
    prune: Annotated[
        bool, option("Drop the rows of files that are gone.", RUNNING, "--prune")
    ] = OutputOptions.prune,
    prune_folders: Annotated[
        bool,
        option("Drop the rows of files whose folder is gone, too.", RUNNING, "--prune-folders"),
    ] = OutputOptions.prune_folders,
    accept_failures: Annotated[
        bool,
        option("Exit with 0 if no video failed but those of before.", RUNNING, "--accept-failures"),
    ] = OutputOptions.accept_failures,
    retry: Annotated[
        list[str] | None,
        option("Try failed videos again: corrupt, limit ... or all.", RUNNING, metavar="CLASS"),
    ] = None,
    as_json: Annotated[bool, option("Print the report as JSON.", RUNNING, "--json")] = False,
    plugin: PluginOption = None,
    quiet: Annotated[bool, option("Only errors.", RUNNING, "--quiet", "-q")] = False,
) -> None:
    """Extract frame features from a folder of videos into a store.

    Run it again to continue after an interruption, or to add new videos.

    Example: chainpipe extract videos/ --out feats.h5
    """
    from ..extraction.option_values import (
        failures_named,
        labels_named,
        limits_named,
        settings_named,
        stores_for,
    )
    from ..extraction.options import ExtractOptions

    options = ExtractOptions(
        source=source,
        targets=tuple(stores_for(backbone or [BACKBONE], out or [Path(STORE)])),
        retry=failures_named(retry or ()),
        inputs=InputOptions(labels_named(labels), follow_symlinks, any_suffix, settle),
        sampling=SamplingOptions(frames, by, sampling, per_segment, seed, every),
        views=ViewOptions(views, views_mode, augmentation, measure_augmentation),
        decoding=DecodeOptions(fit, reader, hwaccel, limits_named(limit or ())),
        compute=BackboneOptions(device, batch, half, compiled, threads, trust_weights),
        engine=EngineOptions(
            engine, settings_named(engine_set or ()), unit_videos, workers or available_cpus()
        ),
        output=OutputOptions(dtype, strict, restart, prune, prune_folders, accept_failures),
    )
    console = Console(quiet=quiet)
    if plan:
        _print_plan(options, console, as_json=as_json)
        return
    reports = _run(options, console)
    if as_json:
        facts = [report.facts() for report in reports]
        printed = facts[0] if len(facts) == 1 else {"schema": 1, "stores": facts}
        typer.echo(json_text(printed, indent=2))
    raise typer.Exit(max(report.exit_code for report in reports))


def _print_plan(options: ExtractOptions, console: Console, *, as_json: bool) -> None:
    from rich.console import Console as RichConsole

    from ..extraction.estimate import estimate, estimate_table

    with exit_on_signal(console, hint="nothing was written"):
        found = estimate(options, console=console)
    if as_json:
        typer.echo(json_text({"schema": 1, **asdict(found)}, indent=2))
    else:
        RichConsole(highlight=False).print(estimate_table(found))


def _run(options: ExtractOptions, console: Console) -> list[ExtractReport]:
    """Extract, and say how it went."""
    from ..extraction.extract import extract_all

    again = "the same command" + " without `--restart`" * options.output.restart
    with exit_on_signal(console, hint=f"finished videos are kept; {again} continues"):
        reports = extract_all(options, console=console)
    for report in reports:
        _print_report(report, console)
    return reports


def _print_report(report: ExtractReport, console: Console) -> None:
    from ..extraction.report import report_table

    console.print_table(report_table(report))
    if not report.written:
        console.log("nothing to do: the store holds all of these videos already")
    if report.missing:
        count = counted(len(report.missing), "row")
        named = some_names(report.missing)
        console.log(f"{count} of files that are gone: {named}; `--prune` drops them")
    if report.unreachable:
        count = counted(len(report.unreachable), "row")
        named = some_names(report.unreachable)
        console.log(
            f"{count} kept of files in empty or missing folders: {named}; is a drive unplugged? "
            "`--prune-folders` drops those of folders that were removed"
        )
    if other := report.gone - len(report.missing) - len(report.unreachable):
        console.log(f"{counted(other, 'row')} of videos not in the input; `--restart` drops them")
    if report.labelled and (bare := report.rows - report.labelled):
        console.log(f"{counted(bare, 'video')} without a label; `--labels` gives labels")
    if report.failures_file is not None:
        new = f", {report.new_failures} of them new" * report.accept_failures
        failed = f"{len(report.failed)} failed{new}"
        console.warn(f"{failed}, listed in `{printable(report.failures_file)}`")
    if ours := sum(video.is_ours for video in report.failed):
        console.warn(
            f"{ours} of them by a bug in chainpipe: please report a traceback of that list"
        )
