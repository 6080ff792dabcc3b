"""Several models or rows on one plot: panels of lines with one legend below them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..evaluation.curves import Curve
from ..evaluation.evaluate import CUTOFFS, Evaluation
from .figures import format_axes, new_figure, png_bytes

PANEL_SIZE = (4.2, 3.6)  # inches: width, height
PANEL_COLUMNS = 3
LEGEND_LINE = 0.17  # inches
LEGEND_CHARACTERS = 13  # of a legend's label in one inch
PALETTE = (
    *("#1f3a5f", "#d1495b", "#2a9d8f", "#e9a23b", "#8a5fbf"),
    *("#5aa9e6", "#7a4b2a", "#d88fb3", "#7f9b2f", "#6b7785"),
)
DASHES = ("-", "--", ":", "-.")  # the palette starts again with the next of these


@dataclass(frozen=True, slots=True)
class PlotLine:
    """One line of a panel.

    Attributes:
        label: Name in the legend; lines of one label look alike in all panels.
        x: Values across, (J,).
        y: Values up, (J,).
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True, slots=True)
class LinePanel:
    """One panel of a plot.

    Attributes:
        title: Line above it.
        x_label: What is across.
        y_label: What is up.
        lines: The lines.
    """

    title: str
    x_label: str
    y_label: str
    lines: Sequence[PlotLine]


def draw_panels(panels: Sequence[LinePanel], *, title: str) -> bytes:
    """Draw panels, three in a row, above one legend, as PNG.

    Args:
        panels: At least one.
        title: Line above all.

    Raises:
        ValueError: If there is no panel.
    """
    if not panels:
        raise ValueError("a plot needs at least one panel")
    labels = list(dict.fromkeys(line.label for panel in panels for line in panel.lines))
    columns = min(PANEL_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    width = max(6.0, PANEL_SIZE[0] * columns)
    legend = _Legend(labels, width)
    figure = new_figure(width, 0.4 + PANEL_SIZE[1] * rows + legend.height)
    figure.suptitle(textwrap.shorten(title, int(11 * width), placeholder="..."), fontsize=10)
    above, below = figure.subfigures(2, 1, height_ratios=[PANEL_SIZE[1] * rows, legend.height])
    grid = above.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        _draw_panel(axes, panel, labels)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    legend.draw(below, grid[0], labels)
    return png_bytes(figure)


def comparison_panels(evaluations: Sequence[tuple[str, Evaluation]]) -> list[LinePanel]:
    """Return the panels mAP@K, precision-recall by Hamming radius if measured, and by rank.

    Args:
        evaluations: Label and evaluation of each model, all on the same queries and database.
    """
    scores = [
        PlotLine(label, CUTOFFS, [found.scores["map"][k] for k in CUTOFFS])
        for label, found in evaluations
    ]
    radius = [_line(label, one.pr_radius) for label, one in evaluations if one.pr_radius]
    rank = [_line(label, one.pr_rank) for label, one in evaluations]
    curves = [("Hamming radius 0, 1, 2, ...", radius), ("rank 1 to the last", rank)]
    return [
        LinePanel("mAP@K", "K", "mAP", scores),
        *(LinePanel(title, "recall", "precision", lines) for title, lines in curves if lines),
    ]


def _line(label: str, curve: Curve) -> PlotLine:
    seen = curve.answered > 0  # a cut without any answer has no precision
    return PlotLine(label, curve.recall[seen].tolist(), curve.precision[seen].tolist())


class _Legend:
    """A legend below the panels, with as many columns as its longest label allows."""

    def __init__(self, labels: Sequence[str], width: float) -> None:
        room = int(width * LEGEND_CHARACTERS)
        self._texts = [textwrap.fill(label, room) for label in labels]
        longest = max(len(line) for text in self._texts for line in text.splitlines())
        self._columns = max(1, min(len(labels), room // (longest + 8)))
        lines = max(text.count("\n") + 1 for text in self._texts)
        self.height = 0.2 + LEGEND_LINE * lines * -(-len(labels) // self._columns)

    def draw(self, area: Any, axes: Any, labels: Sequence[str]) -> None:
        """Draw into a part of a figure; ``axes`` has to have room for lines without points."""
        handles = [axes.plot([], [], label=label, **_style(i))[0] for i, label in enumerate(labels)]
        area.legend(
            handles,
            self._texts,
            loc="upper center",
            ncols=self._columns,
            fontsize=8,
            frameon=False,
        )


def _style(number: int) -> dict[str, Any]:
    dashes = DASHES[number // len(PALETTE) % len(DASHES)]
    return {"color": PALETTE[number % len(PALETTE)], "linestyle": dashes}


def _draw_panel(axes: Any, panel: LinePanel, labels: Sequence[str]) -> None:
    for line in panel.lines:
        style = _style(labels.index(line.label))
        axes.plot(line.x, line.y, linewidth=1.4, marker=".", markersize=3, **style)
    format_axes(axes, title=panel.title, x_label=panel.x_label, y_label=panel.y_label)
