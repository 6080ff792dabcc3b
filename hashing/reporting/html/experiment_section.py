"""Sections "new content and copies" and "experiments": means over seeds of finished experiments."""

from __future__ import annotations

from collections.abc import Sequence

from ...experiments.class_split import WHOLE
from ...experiments.mean_curves import mean_curves
from ...experiments.result import RunResult
from ...experiments.results_folder import FinishedExperiment
from ...experiments.rivals.cases import OWN, TITLES
from ...experiments.rivals.summary import RivalLine, summarize_rivals
from ...experiments.summary import SummaryLine, summarize, whole
from .bar_charts import Interval, interval_chart
from .blocks import Block, ChartGrid, LegendEntry, ReportNotes, ReportSection, ReportTable
from .line_chart import ChartLine, line_chart
from .reported_model import ReportedModel

PARTS = {"listed": "the listed classes only", "rest": "the other classes"}
SHOWN = (("map", "5"), ("map", "20"), ("map_min", "20"), ("map_tied", "20"))
HEADS = ("mAP@5", "mAP@20", "mAP@20 by min(K, R)", "mAP@20 tie-averaged")
SCORES = {"map@20": "mAP@20", "p@1": "P@1"}
NOT_MEASURED = (
    "New content was not measured: `chainpipe experiment rivals STORE --new-content CLASSES`.",
    "Copies were not measured: `chainpipe experiment rivals STORE --copies STORE TRUTH`.",
)
MEANS = "Each figure is the mean over the seeds ± half its 95 % interval (Student)."


def new_content_section(
    models: Sequence[ReportedModel], experiments: Sequence[FinishedExperiment]
) -> ReportSection:
    """Return what is known of content that was not trained on, and of copies.

    Args:
        models: Of the report.
        experiments: Of the report; those of ``rivals`` have the cases.
    """
    blocks: list[Block] = []
    if rows := [row for model in models if (row := _held_region(model))]:
        heads = ["", "before training", "at the end"]
        title = "Neighbours kept in a held-out region of the content"
        blocks.append(ReportTable(title, heads, rows))
    lines = [line for one in experiments for line in summarize_rivals(one.rivals)]
    cases = [case for case in dict.fromkeys(line.case for line in lines) if case != OWN]
    for case in cases:
        blocks += _rivals_tables([line for line in lines if line.case == case])
    for one in experiments:
        parts = [line for line in summarize(one.runs) if line.part != WHOLE]
        for part in dict.fromkeys(line.part for line in parts):
            title = f"{one.name}: {PARTS.get(part, part)}"
            blocks.append(_table(title, [line for line in parts if line.part == part]))
    new = any(case.startswith("new") for case in cases)
    copied = any("copies" in case for case in cases)
    missing = [line for line, known in zip(NOT_MEASURED, (new, copied), strict=True) if not known]
    if missing:
        blocks.append(ReportNotes("", missing))
    return ReportSection("new-content", "New content and copies", blocks)


def experiments_section(experiments: Sequence[FinishedExperiment]) -> ReportSection | None:
    """Return the tables and charts of experiments; ``None`` without any."""
    blocks: list[Block] = []
    for one in experiments:
        if one.runs:
            blocks += _runs(one.name, one.runs)
        if own := [line for line in summarize_rivals(one.rivals) if line.case == OWN]:
            blocks += _rivals_tables(own)
    return ReportSection("experiments", "Experiments", blocks) if blocks else None


def _held_region(model: ReportedModel) -> list[str] | None:
    found = [row["val_new_kept"] for row in model.history if "val_new_kept" in row]
    return [model.name, f"{found[0]:.3f}", f"{found[-1]:.3f}"] if found else None


def _runs(name: str, runs: Sequence[RunResult]) -> list[Block]:
    lines = whole(summarize(runs))
    places = dict.fromkeys((line.store, line.bits) for line in lines)
    rows = list(dict.fromkeys(line.row for line in lines))
    blocks: list[Block] = []
    charts, curves = [], []
    found = mean_curves(runs)
    for store, bits in places:
        mine = [line for line in lines if (line.store, line.bits) == (store, bits)]
        blocks.append(_table(f"{name}: {store}, {bits} bits", mine))
        means = [line.scores["map", "20"] for line in mine]
        intervals = [
            Interval(line.row, one.mean, one.half, rows.index(line.row))
            for line, one in zip(mine, means, strict=True)
        ]
        charts.append(interval_chart(f"{store}, {bits} bits", "mAP@20", intervals))
        shown = [c for c in found if (c.store, c.bits) == (store, bits)]
        each = [ChartLine(c.row, c.recall, c.precision, rows.index(c.row)) for c in shown]
        words = f"{store}, {bits} bits"
        curves.append(line_chart(words, each, x_label="recall", y_label="precision", unit=True))
    legend = [LegendEntry(row, number) for number, row in enumerate(rows)]
    versions = ", ".join(sorted({run.version for run in runs}))
    return [
        *blocks,
        ReportNotes("", [MEANS, _protocol(runs[0]), f"Made by chainpipe {versions}."]),
        ChartGrid(f"{name}: mAP@20", charts),
        ChartGrid(f"{name}: precision over recall by rank", curves, legend),
    ]


def _protocol(run: RunResult) -> str:
    score = run.scores[WHOLE]
    facts = score["protocol"]
    return (
        f"Protocol: {facts['name']}, {score['queries']} queries in {score['database']} videos;"
        f" right: {facts['relevant']}; ties: {facts['ties']}; map {facts['map']}."
    )


def _table(title: str, lines: Sequence[SummaryLine]) -> ReportTable:
    rows = []
    for line in lines:
        scores = [str(line.scores[name]) for name in SHOWN]
        cpu = "" if line.cpu is None else f"{line.cpu.mean:.1f}"
        seeds = str(line.scores["map", "20"].count)
        rows.append([line.row, str(line.bits), seeds, *scores, cpu, f"{line.parameters:,}"])
    heads = ["", "bits", "seeds", *HEADS, "CPU s", "parameters"]
    return ReportTable(title, heads, rows)


def _rivals_tables(lines: Sequence[RivalLine]) -> list[Block]:
    """Return a table and a chart of each store of one case of the rivals."""
    blocks: list[Block] = []
    rows = list(dict.fromkeys(line.row for line in lines))
    legend = [LegendEntry(row, number) for number, row in enumerate(rows)]
    for store in dict.fromkeys(line.store for line in lines):
        mine = [line for line in lines if line.store == store]
        names = list(dict.fromkeys(name for line in mine for name in line.scores))
        title = f"{store}: {TITLES[mine[0].case]}"
        cells = [
            [
                line.row,
                str(line.bytes),
                *(str(line.scores[name]) if name in line.scores else "" for name in names),
            ]
            for line in mine
        ]
        heads = ["", "bytes a video", *(_head(name) for name in names)]
        blocks.append(ReportTable(title, heads, cells))
        chart = line_chart(
            _head(next(name for name in SCORES if name in mine[0].scores)),
            [_by_bytes(row, number, mine) for number, row in enumerate(rows)],
            x_label="bytes a video", y_label="", zero=True,
        )  # fmt: skip
        blocks.append(ChartGrid(title, [chart], legend))
    return blocks


def _by_bytes(row: str, number: int, lines: Sequence[RivalLine]) -> ChartLine:
    mine = sorted((line for line in lines if line.row == row), key=lambda line: line.bytes)
    return ChartLine(row, [line.bytes for line in mine], [line.main.mean for line in mine], number)


def _head(name: str) -> str:
    """Return a score's name for people.

    >>> _head("map@20"), _head("p@1 crop")
    ('mAP@20', 'P@1 crop')
    """
    return SCORES.get(name) or name.replace("p@1", "P@1")
