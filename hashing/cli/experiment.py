"""``chainpipe experiment``: rows of settings, several seeds each, one table and one picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.errors import UsageError

from ..config.aliases import canonical_values
from ..config.overrides import parse_assignments
from .context import PANEL, Tools, tools_of
from .defaults import JsonOption, PluginOption, print_json

if TYPE_CHECKING:
    from ..experiments.experiment import Experiment, ExperimentRequest
    from ..experiments.plan import ExperimentPlan
    from ..experiments.result import RunResult


def register(app: typer.Typer) -> None:
    """Add the verb to a program."""
    app.command("experiment", rich_help_panel=PANEL)(experiment)


def experiment(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(help="methods, ablation, sensitivity, encoders, sampling or spatial."),
    ],
    stores: Annotated[list[Path], typer.Argument(help="Labelled feature stores.")],
    bits: Annotated[str, typer.Option(help="Code lengths, such as 16,32,64.")] = "32",
    seeds: Annotated[int, typer.Option(help="Runs of each row.")] = 5,
    rows: Annotated[
        list[str] | None,
        typer.Option("--rows", metavar="PATTERN", help="Only rows called so; may be repeated."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One config key of all rows."),
    ] = None,
    apart: Annotated[
        Path | None,
        typer.Option(help="Text file, a class a line: figures of these and the rest apart."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of results.", show_default="experiments/NAME")
    ] = None,
    workers: Annotated[int, typer.Option(help="Runs side by side, one thread each.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    list_rows: Annotated[
        bool, typer.Option("--list", help="Print the rows and what each sets, and stop.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Run everything anew.")] = False,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare methods or settings: every row trains with several seeds and is evaluated.

    Writes results.csv, page.md and picture.png: means and 95 % intervals. Labels are used for
    evaluation only. Interrupt it and run it again: finished runs are kept.

    Example: chainpipe experiment methods feats.h5 --bits 16,32,64 --workers 2
    """
    from ..experiments.catalog import experiment_plan
    from ..experiments.class_split import read_classes
    from ..experiments.experiment import ExperimentRequest, prepare
    from ..experiments.plan import chosen

    values = canonical_values(parse_assignments(assignments or []), tools_of(context).warn)
    plan = chosen(experiment_plan(name), rows or [], values)
    if list_rows:
        typer.echo("\n".join(_described(plan)))
        return
    asked = ExperimentRequest(
        stores=tuple(stores),
        bits=_lengths(bits),
        seeds=seeds,
        values=values,
        listed=tuple(read_classes(apart)) if apart is not None else (),
        out=out if out is not None else Path("experiments") / name,
        workers=workers,
        device=device,
        restart=restart,
    )
    tools = tools_of(context)
    campaign = prepare(plan, asked)
    records = _run(campaign, asked, tools)
    _report(plan, campaign, asked, records, tools, as_json=as_json)


def _lengths(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError as error:
        hint = "whole numbers with commas, such as `16,32,64`"
        raise UsageError(f"`--bits {text}` is no list of lengths", hint=hint) from error


def _described(plan: ExperimentPlan) -> list[str]:
    """Return a line for each row."""
    lines = []
    for row in plan.rows:
        preset = ["--paper"] if row.paper else []
        changes = [*preset, *(f"{key}={value}" for key, value in row.values.items())]
        lines.append(f"{row.label}: {row.method} {' '.join(changes) or 'as it comes'}")
    return lines


def _run(campaign: Experiment, asked: ExperimentRequest, tools: Tools) -> list[RunResult]:
    from ..experiments.experiment import run

    waiting = len(campaign.waiting)
    tools.log(f"{len(campaign.jobs)} runs, {len(campaign.jobs) - waiting} of them kept")
    with tools.progress("runs", waiting) as advance:

        def done(record: RunResult) -> None:
            advance(1)
            tools.log(
                f"{record.store}: {record.row}, {record.bits} bits, seed {record.seed}: "
                f"mAP@20 {record.scores['all']['map']['20']:.4f}"
            )

        return run(campaign, workers=asked.workers, done=done)


def _report(
    plan: ExperimentPlan,
    campaign: Experiment,
    asked: ExperimentRequest,
    records: list[RunResult],
    tools: Tools,
    *,
    as_json: bool,
) -> None:
    """Write the three files, and print the tables or the object."""
    from ..experiments.report import report_of, write_text
    from ..experiments.summary import summarize, to_csv
    from ..reporting.experiment_plot import write_picture

    lines = summarize(records)
    write_text(asked.out / "results.csv", to_csv(lines))
    write_picture(asked.out / "picture.png", lines, title=plan.about, reference=plan.reference)
    page = report_of(plan, campaign.grounds, records, lines, seeds=asked.seeds)
    write_text(asked.out / "page.md", page)
    tools.log(f"wrote {asked.out}/results.csv, page.md and picture.png")
    if as_json:
        rows = [line.to_json() for line in lines]
        print_json({"schema": 1, "experiment": plan.name, "out": str(asked.out), "rows": rows})
    else:
        typer.echo(page)
