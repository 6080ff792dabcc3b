"""The verbs about finished stores: info, verify, repair and relocate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..console import Console, counted, json_text, printable, some_names
from ..errors import DamageError
from ..options import BackboneOptions, InputOptions
from .stopping import exit_on_signal
from .verified import tell_verified

if TYPE_CHECKING:
    from ..extraction.repair_store import RepairReport

Store = Annotated[Path, typer.Argument(metavar="STORE", help="A `.h5` or `.zarr` store.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def info(
    store: Annotated[
        Path, typer.Argument(metavar="FILE", help="A store, or a file or folder of others.")
    ],
    as_json: Json = False,
) -> None:
    """Show what is inside a feature store, or a file of another program.

    Of the latter: its arrays, the published set that it belongs to, and the command to go on.

    Examples: chainpipe info feats.h5 · chainpipe info rival.mat
    """
    from rich.console import Console as RichConsole

    from ..importing.describe import describe
    from ..records import Status
    from ..store import open_store
    from ..store.foreign.hints import quoted
    from ..store.open import is_published
    from .foreign_info import show_foreign
    from .store_info import (
        failures_table,
        mended_rows,
        mended_table,
        partial_table,
        store_facts,
        store_table,
    )

    if (foreign := describe(store)) is not None and not is_published(store):
        show_foreign(foreign, as_json=as_json)
        return
    with open_store(store) as opened:
        if as_json:
            typer.echo(json_text(store_facts(opened), indent=2))
            return
        console = RichConsole(highlight=False)
        console.print(store_table(opened))
        if Status.PARTIAL in opened.videos.status:
            console.print(partial_table(opened))
        if mended_rows(opened):
            console.print(mended_table(opened))
        if opened.failed:
            console.print(failures_table(opened))
        if is_published(store):
            typer.echo(f"chainpipe train {quoted(store)} --bits 64")


def verify(store: Store, as_json: Json = False) -> None:
    """Check every byte of a feature store; exit with 4 if any is damaged.

    Example: chainpipe verify feats.h5
    """
    from ..store import verify as damage_of

    console = Console()
    with console.progress("read every byte", None):
        damage = list(damage_of(store))
        count = _videos(store)
    hint = f"`chainpipe repair {printable(store)}` extracts just the damaged rows again"
    tell_verified(store, count=count, noun="video", damage=damage, hint=hint, as_json=as_json)


def _videos(store: Path) -> int | None:
    """Count the rows of a store; one that cannot be opened any more has none."""
    from ..store import open_store

    try:
        with open_store(store) as opened:
            return len(opened.videos)
    except DamageError:
        return None


def repair(
    store: Store,
    videos: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where its videos are now, if they were moved."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Videos at a time.", show_default="one a core")
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where the backbone runs: auto, cpu, cuda, cuda:N.")
    ] = BackboneOptions.device,
    trust_weights: Annotated[
        bool, typer.Option("--trust-weights", help="Read .pt and .bin weights.")
    ] = BackboneOptions.trust_weights,
    as_json: Json = False,
) -> None:
    """Repair a damaged store: copy intact rows, extract just the damaged rows again.

    Example: chainpipe repair feats.h5
    """
    from ..extraction.repair_store import repair as mend
    from ..extraction.signals import StopRequest

    console = Console()
    with exit_on_signal(console, hint="the store is as it was"), StopRequest() as stop:
        report = mend(
            store,
            videos=videos,
            workers=workers,
            device=device,
            trust_weights=trust_weights,
            console=console,
            stop=stop,
        )
    if as_json:
        facts = {
            "schema": 1,
            "path": printable(store),
            "damage": list(report.damage),
            "repaired": [printable(path) for path in report.repaired],
            "failed": [printable(video.path) for video in report.failed],
            "statistics_lost": report.statistics_lost,
        }
        typer.echo(json_text(facts, indent=2))
    else:
        for line in report.damage:
            typer.echo(line)
    _print_report(report, console)
    raise typer.Exit(report.exit_code)


def relocate(
    store: Store,
    videos: Annotated[
        Path, typer.Argument(metavar="VIDEOS", help="The folder where its videos are now.")
    ],
    follow_symlinks: Annotated[
        bool, typer.Option("--follow-symlinks", help="Enter linked folders.")
    ] = InputOptions.follow_symlinks,
    as_json: Json = False,
) -> None:
    """Give a store the new paths of its videos after they were moved; nothing is decoded.

    Videos are known by their content. `extract` does the same when it is given the new folder.

    Example: chainpipe relocate feats.h5 /mnt/new/videos
    """
    from ..extraction.relocate import relocate as move
    from ..extraction.signals import StopRequest

    console = Console()
    with exit_on_signal(console, hint="the store is as it was"), StopRequest() as stop:
        report = move(store, videos, follow_symlinks=follow_symlinks, console=console, stop=stop)
    if as_json:
        facts = {
            "schema": 1,
            "path": printable(store),
            "root": printable(report.root),
            "found": report.found,
            "renamed": report.renamed,
            "missing": [printable(path) for path in report.missing],
            "dropped": [printable(path) for path in report.dropped],
        }
        typer.echo(json_text(facts, indent=2))
    if kept := [path for path in report.missing if path not in set(report.dropped)]:
        count, named = counted(len(kept), "video"), some_names(kept)
        console.warn(f"{count} found nowhere, which keep their rows: {named}")
    if report.dropped:
        count, named = counted(len(report.dropped), "row"), some_names(report.dropped)
        console.warn(f"{count} dropped, for another video has the path now: {named}")
    found = f"{counted(report.found, 'video')}, {report.renamed} of them under another path"
    console.success(f"`{printable(store)}` has its videos in `{printable(report.root)}`: {found}")


def _print_report(report: RepairReport, console: Console) -> None:
    name = printable(report.path)
    if not report.damage:
        console.success(f"`{name}` is whole: nothing to do")
        return
    for video in report.failed:
        console.warn(
            f"`{printable(video.path)}` has lost its row: {video.status.label}: {video.message}"
        )
    if report.statistics_lost:
        console.warn(
            "its augmentation statistics are lost; `extract` measures them again when asked"
        )
    console.success(f"`{name}` is mended: {counted(len(report.repaired), 'row')} extracted again")
