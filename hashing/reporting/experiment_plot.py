"""Plots of an experiment: mAP@20 of every row with its interval, and precision-recall curves."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

from ..experiments.mean_curves import MeanCurve
from ..experiments.summary import SummaryLine, whole
from .figures import COLOURS, GRID, new_figure, png_bytes
from .line_plots import LinePanel, PlotLine, draw_panels

LABEL_WIDTH = 44  # characters of a row's label in one line
PANEL_WIDTH, MIN_PANEL_HEIGHT = 4.6, 2.4  # inches
TEXT_LINE, BITS_STEP = 0.17, 0.14  # inches that a row needs for each line of text or code length


def draw_scores_by_row(lines: Sequence[SummaryLine], *, title: str, reference: str) -> bytes:
    """Draw mAP@20 with its 95 % interval as PNG: a panel a store, a colour a code length.

    Args:
        lines: Means over seeds; lines of a part of the classes are skipped.
        title: Line above the panels.
        reference: Label of the row whose mAP is marked by a dotted line.
    """
    shown = whole(lines)
    stores = list(dict.fromkeys(line.store for line in shown))
    rows = list(dict.fromkeys(line.row for line in shown))
    lengths = sorted({line.bits for line in shown})
    texts = [textwrap.fill(row, LABEL_WIDTH) for row in rows]
    figure = new_figure(*_size(texts, len(stores), len(lengths)))
    figure.suptitle(textwrap.shorten(title, 90, placeholder="..."), fontsize=10)
    panels = figure.subplots(1, len(stores), squeeze=False, sharey=True)[0]
    for axes, store in zip(panels, stores, strict=True):
        _panel(axes, [line for line in shown if line.store == store], rows, lengths, reference)
        axes.set_title(store, fontsize=9, loc="left")
    panels[0].set_yticks(range(len(rows)), texts, fontsize=8)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)  # the first row on top
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=8, fontsize=8, frameon=False)
    return png_bytes(figure)


def draw_pr_curves(curves: Sequence[MeanCurve], *, title: str) -> bytes:
    """Draw precision over recall as PNG: a panel for each store and code length, a line a row.

    Args:
        curves: Means over seeds.
        title: Line above the panels.
    """
    places = dict.fromkeys((curve.store, curve.bits) for curve in curves)
    panels = [
        LinePanel(
            f"{store}, {bits} bits",
            "recall",
            "precision",
            [
                PlotLine(curve.row, curve.recall, curve.precision)
                for curve in curves
                if (curve.store, curve.bits) == (store, bits)
            ],
        )
        for store, bits in places
    ]
    return draw_panels(panels, title=title)


def _size(texts: Sequence[str], stores: int, lengths: int) -> tuple[float, float]:
    """Return width and height in inches, so that labels and points of two rows never touch."""
    label = max(len(line) for text in texts for line in text.splitlines())
    lines = max(text.count("\n") + 1 for text in texts)
    row = max(0.28, 0.1 + TEXT_LINE * lines, 0.1 + BITS_STEP * lengths)
    height = 1.2 + max(MIN_PANEL_HEIGHT, row * len(texts))
    return 0.6 + 0.075 * label + PANEL_WIDTH * stores, height


def _panel(
    axes: Any,
    lines: Sequence[SummaryLine],
    rows: Sequence[str],
    lengths: Sequence[int],
    reference: str,
) -> None:
    step = min(0.22, 0.7 / len(lengths))  # rows are 1 apart
    for number, bits in enumerate(lengths):
        colour = COLOURS[number % len(COLOURS)]
        mine = [line for line in lines if line.bits == bits]
        found = [line.scores["map", "20"] for line in mine]
        shift = (number - (len(lengths) - 1) / 2) * step
        axes.errorbar(
            [one.mean for one in found],
            [rows.index(line.row) + shift for line in mine],
            xerr=[0.0 if math.isnan(one.half) else one.half for one in found],
            fmt="o",
            markersize=4,
            color=colour,
            capsize=2,
            label=f"{bits} bits",
        )
        for line, one in zip(mine, found, strict=True):
            if line.row == reference:
                axes.axvline(one.mean, color=colour, linewidth=0.8, linestyle=":")
    axes.set_xlabel("mAP@20, mean over seeds and 95 % interval", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
