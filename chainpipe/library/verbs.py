"""The verbs update and watch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainpipe.pipeline.cli.stopping import exit_on_signal
from chainpipe.pipeline.console import Console, json_text
from chainpipe.pipeline.errors import NotFoundError
from chainpipe.pipeline.extraction.option_values import failures_named
from chainpipe.pipeline.options import BackboneOptions, OutputOptions

from .report_lines import facts_of, lines_of
from .store_choice import only_store, store_of_folder
from .update import SETTLE, UpdateOptions, UpdateReport, update_library
from .watch import watch_library

VideosOption = Annotated[
    Path | None,
    typer.Option(
        "--videos",
        metavar="FOLDER|LIST",
        help="Where the videos are now.",
        show_default="where the store was made from",
    ),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model", help="Model folder.", show_default="the newest that was trained on the store"
    ),
]
CodesOption = Annotated[
    Path | None,
    typer.Option("--codes", help="Codes file.", show_default="codes.npz in the model folder"),
]
PruneOption = Annotated[bool, typer.Option("--prune", help="Drop the rows of files that are gone.")]
PruneFoldersOption = Annotated[
    bool,
    typer.Option("--prune-folders", help="Drop the rows of files whose folder is gone, too."),
]
RetryOption = Annotated[
    list[str] | None,
    typer.Option("--retry", metavar="CLASS", help="Try failed videos again: corrupt ... or all."),
]
SettleOption = Annotated[
    float,
    typer.Option(
        "--settle", min=0, help="Seconds without a change after which a file counts as finished."
    ),
]
CompareOption = Annotated[
    bool, typer.Option("--compare/--no-compare", help="Say what new videos are similar to.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Videos at a time.", show_default="one a core"),
]
DeviceOption = Annotated[
    str, typer.Option("--device", help="Where the backbone runs: auto, cpu, cuda, cuda:N.")
]
TrustOption = Annotated[
    bool, typer.Option("--trust-weights", help="Load .pt and .bin weights, which are pickles.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object an update.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and answers.")]


def update(
    store: Annotated[
        Path | None,
        typer.Argument(
            metavar="STORE", help="A feature store.", show_default="the one in this folder"
        ),
    ] = None,
    videos: VideosOption = None,
    model: ModelOption = None,
    codes: CodesOption = None,
    prune: PruneOption = OutputOptions.prune,
    prune_folders: PruneFoldersOption = OutputOptions.prune_folders,
    retry: RetryOption = None,
    settle: SettleOption = SETTLE,
    compare: CompareOption = True,
    workers: WorkersOption = None,
    device: DeviceOption = BackboneOptions.device,
    trust_weights: TrustOption = BackboneOptions.trust_weights,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Bring a store and its codes up to date with the files, and say what is new.

    Settings, folder and model are those of the store. The exit code is 0 unless a video failed
    that had not failed before (3), so it is made for cron.

    Example: chainpipe update feats.h5 --json
    """
    console = Console(quiet=quiet)
    options = UpdateOptions(
        *(videos, model, codes, prune, prune_folders, failures_named(retry or ())),
        *(settle, compare, workers, device, trust_weights),
    )
    with exit_on_signal(console, hint="finished videos are kept; the same command continues"):
        report = update_library(store or only_store(Path()), options, console=console)
    _print(report, as_json=as_json)
    raise typer.Exit(report.exit_code)


def watch(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="A folder of videos that has a store, or a feature store."
        ),
    ],
    store: Annotated[
        Path | None,
        typer.Option("--store", help="Feature store.", show_default="the one made of the folder"),
    ] = None,
    model: ModelOption = None,
    codes: CodesOption = None,
    prune: PruneOption = OutputOptions.prune,
    settle: SettleOption = SETTLE,
    polling: Annotated[
        bool, typer.Option("--poll", help="Look again and again, as for network drives.")
    ] = False,
    workers: WorkersOption = None,
    device: DeviceOption = BackboneOptions.device,
    trust_weights: TrustOption = BackboneOptions.trust_weights,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Update a library as its files arrive, and tell of copies at once, until Ctrl-C.

    Needs the extra `watch`. A file is read when it has stopped growing.

    Example: chainpipe watch videos/
    """
    console = Console(quiet=quiet)
    options = UpdateOptions(
        *(None, model, codes, prune, OutputOptions.prune_folders, frozenset()),
        *(settle, True, workers, device, trust_weights),
    )
    found = store or _store_of(folder)

    def tell(report: UpdateReport) -> None:
        if report.changes or report.new_failures:
            _print(report, as_json=as_json)

    with exit_on_signal(console, hint="the library is as the last update left it"):
        watch_library(found, options, console=console, tell=tell, polling=polling)


def _store_of(folder: Path) -> Path:
    if folder.is_file() or folder.suffix == ".zarr":
        return folder
    found = store_of_folder(folder, [Path(), folder, folder.resolve().parent])
    if found is None:
        hint = f"`chainpipe extract {folder} --out STORE` makes one; `--store` names it"
        raise NotFoundError(f"no feature store of `{folder}` here or beside it", hint=hint)
    return found


def _print(report: UpdateReport, *, as_json: bool) -> None:
    for line in [json_text(facts_of(report))] if as_json else lines_of(report):
        typer.echo(line)
