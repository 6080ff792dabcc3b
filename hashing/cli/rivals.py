"""``chainpipe experiment rivals``: representations at equal bytes a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import UsageError

from ..config.overrides import Scalar
from .context import Tools
from .defaults import print_json

if TYPE_CHECKING:
    from ..experiments.rivals.experiment import RivalsExperiment, RivalsRequest
    from ..experiments.rivals.result import RivalResult

NAME = "rivals"
SIZES = "2,4,8,16,32"  # bytes
FOLDER = Path("experiments") / NAME


def run_table(
    *,
    stores: Sequence[Path],
    sizes: str,
    seeds: int,
    patterns: Sequence[str],
    values: Mapping[str, Scalar],
    new_content: Path | None,
    copies: tuple[Path, Path] | None,
    out: Path | None,
    workers: int,
    device: str,
    list_rows: bool,
    restart: bool,
    as_json: bool,
    tools: Tools,
) -> None:
    """Run the experiment and print its report, or list its rows.

    Raises:
        UsageError: If a row, size, key or set of videos is invalid.
    """
    from ..experiments.class_split import read_classes
    from ..experiments.rivals.experiment import RivalsRequest, prepare_rivals
    from ..experiments.rivals.rows import check_values, rival_rows, select_rival_rows

    if list_rows and not patterns:
        for row in rival_rows():
            asked = ", only if named by --rows" if row.on_request else ""
            typer.echo(f"{row.label}: {row.about}{asked}")
        return
    rows = select_rival_rows(rival_rows(), patterns)
    check_values(rows, values)
    if list_rows:
        typer.echo("\n".join(f"{row.label}: {row.about}" for row in rows))
        return
    request = RivalsRequest(
        stores=tuple(stores),
        sizes=_sizes(sizes),
        seeds=seeds,
        rows=rows,
        values=values,
        listed=tuple(read_classes(new_content)) if new_content is not None else (),
        copies=copies,
        out=out if out is not None else FOLDER,
        workers=workers,
        device=device,
        restart=restart,
    )
    ready = prepare_rivals(request)
    _report(ready, request, _run(ready, request, tools), tools, as_json=as_json)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as error:
        hint = "whole numbers with commas, such as `2,4,8`"
        raise UsageError(f"`--bytes {text}` is not a list of sizes", hint=hint) from error


def _run(ready: RivalsExperiment, asked: RivalsRequest, tools: Tools) -> list[RivalResult]:
    from ..experiments.rivals.experiment import run_rivals

    pending = len(ready.pending)
    finished = len(ready.runs) - pending
    tools.log(f"{counted(len(ready.runs), 'run')}, {finished} of them finished before")
    with tools.progress("runs", pending) as advance:

        def done(result: RivalResult) -> None:
            advance(1)
            scores = ", ".join(
                f"{name} {value:.4f}" for name, value in list(result.scores.items())[:2]
            )
            tools.log(
                f"{result.store}, {result.case}: {result.row}, {result.bytes} bytes,"
                f" seed {result.seed}: {scores}"
            )

        return run_rivals(ready, workers=asked.workers, done=done)


def _report(
    ready: RivalsExperiment,
    asked: RivalsRequest,
    results: list[RivalResult],
    tools: Tools,
    *,
    as_json: bool,
) -> None:
    """Write table, report and plot, and print the report or the JSON object."""
    from ..experiments.report import write_text
    from ..experiments.rivals.report import rivals_report, trained_labels
    from ..experiments.rivals.summary import rivals_csv, summarize_rivals
    from ..experiments.rivals.verdict import verdict
    from ..reporting.figures import write_png
    from ..reporting.rivals_plot import draw_rivals

    lines = summarize_rivals(results)
    if not lines:
        raise UsageError("no row has one of these sizes", hint="`--list` says what rows there are")
    write_text(asked.out / "results.csv", rivals_csv(lines))
    write_png(asked.out / "picture.png", draw_rivals(lines))
    report = rivals_report(
        ready.cases, asked.rows, results, lines, sizes=asked.sizes, seeds=asked.seeds
    )
    write_text(asked.out / "report.md", report)
    tools.log(f"wrote {asked.out}/report.md, results.csv and picture.png")
    if as_json:
        rows = [line.to_json() for line in lines]
        said = verdict(lines, trained_labels(asked.rows))
        print_json(
            {"schema": 1, "experiment": NAME, "out": str(asked.out), "rows": rows, "verdict": said}
        )
    else:
        typer.echo(report)
