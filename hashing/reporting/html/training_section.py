"""Section "training": losses and metrics over epochs, failure signatures and tasks."""

from __future__ import annotations

from collections.abc import Sequence

from ...monitoring.failure_signatures import START_KEPT, all_failure_signatures
from ...monitoring.task_outcomes import task_outcomes
from .blocks import Block, ChartGrid, LegendEntry, ReportNotes, ReportSection, ReportTable
from .line_chart import ChartLine, LineChart, line_chart
from .reported_model import ReportedModel

HELD = "val_"
CLOCKS = ("epoch", "step")


def training_section(models: Sequence[ReportedModel]) -> ReportSection:
    """Return the section.

    Args:
        models: At least one.
    """
    trained = [model for model in models if model.history]
    blocks: list[Block] = [_signatures(model) for model in trained]
    if trained:
        legend = [LegendEntry(m.name, models.index(m)) for m in trained]
        charts = [_chart(name, models) for name in _metrics(trained)]
        held = any(name.startswith(HELD) for m in trained for name in m.history[-1])
        note = "Solid: in training; dashed: on videos that were held out." if held else ""
        blocks += [ChartGrid("Losses and metrics over epochs", charts, legend, note)]
        blocks += [_ends(model) for model in trained]
    plain = [m.name for m in models if not m.history]
    if plain:
        line = f"No epochs and so no losses: {', '.join(plain)}."
        blocks.append(ReportNotes("", [line]))
    return ReportSection("training", "Training", blocks)


def found_signatures(model: ReportedModel) -> list[str]:
    """Return the failure signatures of a model as text, and whether it was stopped."""
    lines = [str(one) for one in all_failure_signatures(model.history)]
    if epoch := model.facts.data.get("stopped"):
        lines.append(f"stopped by a failure signature after epoch {epoch}")
    if model.history and model.history[-1].get(START_KEPT):
        lines.append("the start was kept: training only made the codes worse")
    return lines


def has_validation(model: ReportedModel) -> bool:
    """Return whether videos were held out, without which no signature can be found."""
    return any("val_bit_entropy" in row for row in model.history)


def _signatures(model: ReportedModel) -> ReportNotes:
    title = f"Failure signatures of {model.name}"
    tasks = [f"task {one}" for one in task_outcomes(model.history)]
    if not has_validation(model):
        return ReportNotes(title, ["Not looked for: no videos were held out."])
    if found := found_signatures(model):
        return ReportNotes(title, [*found, *tasks], "warning")
    return ReportNotes(title, ["None found.", *tasks])


def _metrics(models: Sequence[ReportedModel]) -> list[str]:
    """Return the names of metrics without ``val_``: the loss first, chance levels left out."""
    names = dict.fromkeys(
        name.removeprefix(HELD) for model in models for row in model.history for name in row
    )
    return [n for n in names if n not in (*CLOCKS, START_KEPT) and not n.endswith("_chance")]


def _chart(name: str, models: Sequence[ReportedModel]) -> LineChart:
    lines = [
        line
        for style, model in enumerate(models)
        for key, dashed in ((name, False), (HELD + name, True))
        if (line := _line(model, key, style, dashed)).x
    ]
    return line_chart(name.replace("_", " "), lines, x_label="epoch", y_label="")


def _line(model: ReportedModel, key: str, style: int, dashed: bool) -> ChartLine:
    points = [(_clock(row), row[key]) for row in model.history if key in row]
    label = f"{model.name}, held out" if dashed else model.name
    return ChartLine(label, [x for x, _ in points], [y for _, y in points], style, dashed)


def _clock(row: dict[str, float]) -> float:
    return next((row[name] for name in CLOCKS if name in row), 0.0)


def _ends(model: ReportedModel) -> ReportTable:
    """Return the metrics of the first and the last epoch."""
    first, last = model.history[0], model.history[-1]
    names = dict.fromkeys(n.removeprefix(HELD) for row in (first, last) for n in row)
    names = dict.fromkeys(n for n in names if n not in (*CLOCKS, START_KEPT))
    heads = ["", "at first", "at the end", "held out, at first", "held out, at the end"]
    cells = [
        [n.replace("_", " "), *(_said(row, key) for key in (n, HELD + n) for row in (first, last))]
        for n in names
    ]
    title = f"First and last values of {model.name}, {len(model.history)} rows"
    return ReportTable(title, heads, cells, folded=True)


def _said(row: dict[str, float], name: str) -> str:
    return f"{row[name]:.4g}" if name in row else ""
