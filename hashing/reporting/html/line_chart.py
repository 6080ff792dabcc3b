"""A chart of lines as the numbers that an SVG needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .axis import Axis, axis_of

WIDTH, HEIGHT = 360, 230  # of the view box
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 10, 40
DOTS = 60  # points of a line that still get a dot each


@dataclass(frozen=True, slots=True)
class ChartLine:
    """A line with the values that it shows.

    Attributes:
        label: What it is.
        x: Values across, (J,).
        y: Values up, (J,); what is not finite is left out.
        style: Number of its colour, the same in all charts.
        dashed: Whether it is broken.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: int
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class DrawnDot:
    """A point of a line: its position, and the text that hovering shows."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line as SVG has it.

    Attributes:
        path: The ``d`` of a path.
        style: Number of its colour.
        dashed: Whether it is broken.
        dots: Its points; none where there are too many.
    """

    path: str
    style: int
    dashed: bool
    dots: Sequence[DrawnDot]


@dataclass(frozen=True, slots=True)
class LineChart:
    """Positions of all that is drawn, in the units of the view box.

    Attributes:
        title: Line above.
        x_label: What is across.
        y_label: What is up.
        x_axis: Scale across.
        y_axis: Scale up.
        lines: The lines.
        kind: Which macro of the template draws it.
    """

    title: str
    x_label: str
    y_label: str
    x_axis: Axis
    y_axis: Axis
    lines: Sequence[DrawnLine]
    kind: Literal["lines"] = "lines"

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        """Positions and texts of the ticks across."""
        return self.x_axis.ticks()

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        """Positions and texts of the ticks up."""
        return self.y_axis.ticks(5)


def line_chart(
    title: str,
    lines: Sequence[ChartLine],
    *,
    x_label: str,
    y_label: str,
    unit: bool = False,
    zero: bool = False,
) -> LineChart:
    """Lay out a chart.

    Args:
        title: Line above.
        lines: The lines.
        x_label: What is across.
        y_label: What is up.
        unit: Whether both axes are from 0 to 1.
        zero: Whether the axis up begins at 0.
    """
    points = [_finite(line) for line in lines]
    across = [x for line in points for x, _ in line]
    up = [y for line in points for _, y in line]
    x_axis = axis_of(across, LEFT, WIDTH - RIGHT, zero=unit, one=unit)
    y_axis = axis_of(up, HEIGHT - BOTTOM, TOP, zero=unit or zero, one=unit)
    drawn = [_drawn(line, found, x_axis, y_axis) for line, found in zip(lines, points, strict=True)]
    return LineChart(title, x_label, y_label, x_axis, y_axis, drawn)


def _finite(line: ChartLine) -> list[tuple[float, float]]:
    pairs = zip(line.x, line.y, strict=True)
    return [(x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]


def _drawn(
    line: ChartLine, points: Sequence[tuple[float, float]], x_axis: Axis, y_axis: Axis
) -> DrawnLine:
    places = [(x_axis.at(x), y_axis.at(y)) for x, y in points]
    path = "".join(f"{'L' if i else 'M'}{x:g} {y:g}" for i, (x, y) in enumerate(places))
    shown = points if len(points) <= DOTS else ()
    dots = [
        DrawnDot(*place, f"{line.label}: {y:.4g} at {x:.4g}")
        for place, (x, y) in zip(places, shown, strict=False)
    ]
    return DrawnLine(path, line.style, line.dashed, dots)
