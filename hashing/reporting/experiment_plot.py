"""The picture of an experiment: mAP@20 of every row with its interval. Drawing only."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from ..experiments.summary import SummaryLine, whole

_COLOURS = ("#1f3a5f", "#d1495b", "#2a9d8f", "#e9a23b", "#6b7785")
_GRID = "#d9dee5"


def draw(lines: Sequence[SummaryLine], *, title: str, reference: str) -> bytes:
    """Return a PNG with a panel for each store; a code length has a colour.

    Args:
        lines: Means over seeds; parts of the classes are passed over.
        title: The question, above all.
        reference: The row whose mAP a line marks.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = whole(lines)
    stores = list(dict.fromkeys(line.store for line in shown))
    rows = list(dict.fromkeys(line.row for line in shown))
    size = (3.2 + 3.6 * len(stores), 1.9 + 0.3 * len(rows))
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(textwrap.fill(title, int(11 * size[0])), fontsize=9)
    panels = figure.subplots(1, len(stores), squeeze=False, sharey=True)[0]
    for axes, store in zip(panels, stores, strict=True):
        _panel(axes, [line for line in shown if line.store == store], rows, reference)
        axes.set_title(store, fontsize=10)
    panels[0].invert_yaxis()
    panels[-1].legend(fontsize=8, frameon=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def write_picture(path: Path, lines: Sequence[SummaryLine], *, title: str, reference: str) -> None:
    """Write the picture; the file appears whole or not at all.

    Raises:
        StorageError: If the disk says no.
    """
    content = draw(lines, title=title, reference=reference)
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_bytes(content)


def _panel(axes: Any, lines: Sequence[SummaryLine], rows: Sequence[str], reference: str) -> None:
    lengths = sorted({line.bits for line in lines})
    for number, bits in enumerate(lengths):
        colour = _COLOURS[number % len(_COLOURS)]
        mine = [line for line in lines if line.bits == bits]
        found = [line.scores["map", "20"] for line in mine]
        shift = (number - (len(lengths) - 1) / 2) * 0.2
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
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_xlabel("mAP@20, mean and 95 % interval", fontsize=8)
    axes.grid(axis="x", color=_GRID)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
