"""``chainpipe report``: one HTML page about one or more models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import UsageError

from .context import tools_of
from .defaults import PluginOption, StoreOption, choose_model

OUT = Path("report.html")


def report(
    context: typer.Context,
    models: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="MODEL...",
            help="Model folders, shown side by side.",
            show_default="the newest finished one in models/",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The HTML file.")] = OUT,
    store: StoreOption = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="auto, leave-one-out, split, fcvid, activitynet, ucf101, hmdb51 or yfcc."
        ),
    ] = "auto",
    experiments: Annotated[
        list[Path] | None,
        typer.Option(
            "--experiment",
            metavar="FOLDER",
            help="Folder of `chainpipe experiment`, whose finished runs are shown; may be "
            "repeated.",
        ),
    ] = None,
    title: Annotated[
        str | None,
        typer.Option("--title", help="Heading of the page.", show_default="names of the models"),
    ] = None,
    plugin: PluginOption = None,
) -> None:
    """Write one HTML page about models: settings, losses, code health, scores, curves.

    The file needs no other file and no network. Models whose store is at hand and has labels are
    evaluated under the printed protocol; what a model lacks is said on the page.

    Examples: chainpipe report models/feats-chain-32 · chainpipe report models/a models/b
    --experiment experiments/methods --out compare.html
    """
    from ..evaluation.choose_protocol import NAMES
    from ..experiments.results_folder import read_experiment
    from ..reporting.html.page import check_report_path, report_page, write_report
    from .report_models import names_of, reported_model

    tools = tools_of(context)
    check_report_path(out)
    if protocol not in NAMES:
        raise UsageError(f"no protocol `{protocol}`", hint=f"one of: {', '.join(NAMES)}")
    given: Sequence[Path | None] = models or [None]
    chosen = [choose_model(one, tools.log) for one in given]
    names = names_of([folder for folder, _ in chosen])
    finished = [read_experiment(folder) for folder in experiments or ()]
    found = [
        reported_model(name, folder, facts, store=store, protocol=protocol, tools=tools)
        for name, (folder, facts) in zip(names, chosen, strict=True)
    ]
    write_report(out, report_page(found, finished, title=title or _title(names)))
    tools.log(f"wrote {out}: {counted(len(found), 'model')}")
    typer.echo(out)


def _title(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
