"""Plot of the rivals' table: score over bytes a video, a line a row."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..experiments.rivals.cases import TITLES
from ..experiments.rivals.summary import RivalLine
from .line_plots import LinePanel, PlotLine, draw_panels


def draw_rivals(lines: Sequence[RivalLine]) -> bytes:
    """Draw mAP@20, or of copies the rate at rank 1, as PNG: a panel for each store and case.

    Args:
        lines: Means over seeds, at least one.
    """
    groups = dict.fromkeys((line.store, line.case) for line in lines)
    panels = [
        LinePanel(
            f"{store}: {TITLES[case]}",
            "bytes a video (log2)",
            "P@1" if "map@20" not in mine[0].scores else "mAP@20",
            [_line(row, mine) for row in dict.fromkeys(line.row for line in mine)],
        )
        for store, case in groups
        if (mine := [line for line in lines if (line.store, line.case) == (store, case)])
    ]
    return draw_panels(panels, title="Representations at equal bytes a video")


def _line(row: str, lines: Sequence[RivalLine]) -> PlotLine:
    mine = sorted((line for line in lines if line.row == row), key=lambda line: line.bytes)
    x = [math.log2(line.bytes) for line in mine]
    return PlotLine(row, x, [line.main.mean for line in mine])
