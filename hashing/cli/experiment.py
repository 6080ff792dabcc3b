"""``chainpipe experiment``: compare rows of settings over several seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import UsageError

from ..config.aliases import canonical_values
from ..config.overrides import Scalar, parse_assignments
from . import rivals
from .context import Tools, tools_of
from .defaults import JsonOption, PluginOption, print_json

BITS = "32"

if TYPE_CHECKING:
    from ..experiments.experiment import Experiment, ExperimentRequest
    from ..experiments.plan import ExperimentPlan
    from ..experiments.result import RunResult


def experiment(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="PLAN",
            help="methods, rivals, ablation, sensitivity, encoders, sampling, spatial; custom (rows"
            " from --vary); or a TOML file of rows.",
        ),
    ],
    stores: Annotated[list[Path], typer.Argument(help="Labelled feature stores.")],
    bits: Annotated[
        str | None, typer.Option(help="Code lengths, such as 16,32,64.", show_default=BITS)
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option("--bytes", help="Rivals only: bytes a video.", show_default=rivals.SIZES),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Number of seeds of each row.")] = 5,
    rows: Annotated[
        list[str] | None,
        typer.Option(
            "--rows", metavar="PATTERN", help="Only rows with such a label; may be repeated."
        ),
    ] = None,
    variations: Annotated[
        list[str] | None,
        typer.Option(
            "--vary",
            metavar="KEY=A,B,C",
            help="Run each row with each value of a config key; several keys: all combinations.",
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set one config key of all rows."),
    ] = None,
    apart: Annotated[
        Path | None,
        typer.Option(
            help="Text file of class names, one a line: also evaluate these and the other classes"
            " separately."
        ),
    ] = None,
    new_content: Annotated[
        Path | None,
        typer.Option(
            help="Rivals only: text file of class names, one a line: also train on these classes"
            " and ask with the others, and the other way round."
        ),
    ] = None,
    copies: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="STORE TRUTH",
            help="Rivals only: store of edited copies and their truth.csv (videos.csv beside it):"
            " does a copy find its original?",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of results.", show_default="experiments/PLAN")
    ] = None,
    workers: Annotated[int, typer.Option(help="Number of processes, one thread each.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    list_rows: Annotated[
        bool, typer.Option("--list", help="Print the rows and what each sets, and stop.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Train finished runs again.")] = False,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare methods or settings: train and evaluate every row with several seeds.

    Writes results.csv, report.md, picture.png (mAP@20) and pr_curves.png: means and 95 %
    intervals. Labels are used for evaluation only. Interrupt it and run it again: finished runs
    are kept.

    Examples: chainpipe experiment methods feats.h5 --bits 16,32,64 --workers 2 ·
    chainpipe experiment rivals feats.h5 --bytes 2,4,8,16,32 ·
    chainpipe experiment custom feats.h5 --vary optim.lr=1e-3,3e-4 --vary encoder.num_layers=1,2
    """
    from ..experiments.class_split import read_classes
    from ..experiments.experiment import ExperimentRequest, prepare

    tools = tools_of(context)
    values = canonical_values(parse_assignments(assignments or []), tools.warn)
    table = {"--bytes": sizes, "--new-content": new_content, "--copies": copies}
    plain = {"--bits": bits, "--vary": variations, "--apart": apart}
    _check_given(name, plain if name == rivals.NAME else table)
    if name == rivals.NAME:
        rivals.run_table(
            stores=stores,
            sizes=sizes if sizes is not None else rivals.SIZES,
            seeds=seeds,
            patterns=rows or [],
            values=values,
            new_content=new_content,
            copies=copies,
            out=out,
            workers=workers,
            device=device,
            list_rows=list_rows,
            restart=restart,
            as_json=as_json,
            tools=tools,
        )
        return
    plan = _plan(name, rows or [], variations or [], values, tools)
    if list_rows:
        typer.echo("\n".join(_described(plan)))
        return
    asked = ExperimentRequest(
        stores=tuple(stores),
        bits=_lengths(bits if bits is not None else BITS),
        seeds=seeds,
        values=values,
        listed=tuple(read_classes(apart)) if apart is not None else (),
        out=out if out is not None else Path("experiments") / plan.name,
        workers=workers,
        device=device,
        restart=restart,
    )
    ready = prepare(plan, asked)
    results = _run(ready, asked, tools)
    _report(plan, ready, asked, results, tools, as_json=as_json)


def _check_given(name: str, options: Mapping[str, object]) -> None:
    """Refuse options that another experiment has."""
    for option, value in options.items():
        if value is not None and value != []:
            message = f"`experiment {name}` has no option `{option}`"
            raise UsageError(message, hint=f"leave out `{option}`")


def _plan(
    name: str,
    patterns: Sequence[str],
    variations: Sequence[str],
    values: Mapping[str, Scalar],
    tools: Tools,
) -> ExperimentPlan:
    """Return the selected rows after validation."""
    from ..experiments.catalog import experiment_plan
    from ..experiments.plan import check_rows, select_rows
    from ..experiments.rows_file import read_rows
    from ..experiments.vary import CUSTOM, check_not_set, custom_plan, parse_grid, vary

    grid = canonical_values(parse_grid(variations), tools.warn)
    check_not_set(grid, values)
    if name == CUSTOM:
        plan = select_rows(custom_plan(grid), patterns)
    else:
        is_file = name.endswith(".toml")
        start = read_rows(Path(name), tools.warn) if is_file else experiment_plan(name)
        plan = select_rows(start, patterns)
        plan = vary(plan, grid) if grid else plan
    check_rows(plan, values)
    return plan


def _lengths(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError as error:
        hint = "whole numbers with commas, such as `16,32,64`"
        raise UsageError(f"`--bits {text}` is not a list of code lengths", hint=hint) from error


def _described(plan: ExperimentPlan) -> list[str]:
    """Return label, method and settings of each row, one line each."""
    lines = []
    for row in plan.rows:
        preset = ["--paper"] if row.paper else []
        changes = [*preset, *(f"{key}={value}" for key, value in row.values.items())]
        lengths = f" ({', '.join(map(str, row.bits))} bits)" if row.bits else ""
        lines.append(f"{row.label}: {row.method} {' '.join(changes) or 'with defaults'}{lengths}")
    return lines


def _run(ready: Experiment, asked: ExperimentRequest, tools: Tools) -> list[RunResult]:
    from ..experiments.experiment import run

    pending = len(ready.pending)
    finished = len(ready.runs) - pending
    tools.log(f"{counted(len(ready.runs), 'run')}, {finished} of them finished before")
    with tools.progress("runs", pending) as advance:

        def done(result: RunResult) -> None:
            advance(1)
            tools.log(
                f"{result.store}: {result.row}, {result.bits} bits, seed {result.seed}: "
                f"mAP@20 {result.scores['all']['map']['20']:.4f}"
            )

        return run(ready, workers=asked.workers, done=done)


def _report(
    plan: ExperimentPlan,
    ready: Experiment,
    asked: ExperimentRequest,
    results: list[RunResult],
    tools: Tools,
    *,
    as_json: bool,
) -> None:
    """Write table, report and plots, and print the report or the JSON object."""
    from ..experiments.mean_curves import mean_curves
    from ..experiments.report import report_of, write_text
    from ..experiments.summary import summarize, to_csv
    from ..reporting.experiment_plot import draw_pr_curves, draw_scores_by_row
    from ..reporting.figures import write_png

    lines = summarize(results)
    write_text(asked.out / "results.csv", to_csv(lines, varied=plan.varied))
    picture = draw_scores_by_row(lines, title=f"{plan.name}: mAP@20", reference=plan.reference)
    write_png(asked.out / "picture.png", picture)
    title = f"{plan.name}: precision over recall by rank, mean over {counted(asked.seeds, 'seed')}"
    write_png(asked.out / "pr_curves.png", draw_pr_curves(mean_curves(results), title=title))
    report = report_of(plan, ready.checks, results, lines, seeds=asked.seeds)
    write_text(asked.out / "report.md", report)
    tools.log(f"wrote {asked.out}/report.md, results.csv, picture.png and pr_curves.png")
    if as_json:
        rows = [line.to_json() for line in lines]
        print_json({"schema": 1, "experiment": plan.name, "out": str(asked.out), "rows": rows})
    else:
        typer.echo(report)
