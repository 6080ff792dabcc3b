"""Two charts of bars: the share of ones of each bit, and means with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chainpipe.pipeline.console import shortened

from .axis import Axis, axis_of

WIDTH, HEIGHT = 360, 130
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 8, 30
ROW, LABELS, WIDE = 24, 230, 640  # of the chart with intervals
LABEL_LENGTH = 34  # characters


@dataclass(frozen=True, slots=True)
class DrawnBar:
    """A bar: left, top, width, height, and the text that hovering shows."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, slots=True)
class BitChart:
    """The share of videos in which each of K bits is 1.

    Attributes:
        title: Line above.
        y_axis: Scale up, from 0 to 1.
        bars: One a bit.
        style: Number of their colour.
        kind: Which macro of the template draws it.
    """

    title: str
    y_axis: Axis
    bars: Sequence[DrawnBar]
    style: int
    kind: Literal["bits"] = "bits"

    @property
    def y_ticks(self) -> list[tuple[float, str]]:
        """Positions and texts of the ticks up."""
        return self.y_axis.ticks(4)


def bit_chart(title: str, ones: Sequence[float], style: int) -> BitChart:
    """Lay out the shares of ones.

    Args:
        title: Line above.
        ones: Fraction of videos in which each bit is 1, K of them.
        style: Number of the colour.
    """
    axis = Axis(0, 1, HEIGHT - BOTTOM, TOP)
    step = (WIDTH - LEFT - RIGHT) / max(len(ones), 1)
    gap = min(2.0, step / 4)
    bars = [
        DrawnBar(
            round(LEFT + bit * step, 2), axis.at(share), round(step - gap, 2),
            round(axis.at(0) - axis.at(share), 1), f"bit {bit}: 1 in {share:.1%}",
        )
        for bit, share in enumerate(ones)
    ]  # fmt: skip
    return BitChart(title, axis, bars, style)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and half the width of its interval, which may be NaN."""

    label: str
    mean: float
    half: float
    style: int = 0


@dataclass(frozen=True, slots=True)
class DrawnInterval:
    """A row of the chart: its label, height, mean and ends in positions, and hover text."""

    label: str
    y: float
    mean: float
    low: float
    high: float
    style: int
    text: str


@dataclass(frozen=True, slots=True)
class IntervalChart:
    """Means with intervals, a row each.

    Attributes:
        title: Line above.
        x_label: What is across.
        x_axis: Scale across.
        rows: The means.
        height: Of the view box.
        kind: Which macro of the template draws it.
    """

    title: str
    x_label: str
    x_axis: Axis
    rows: Sequence[DrawnInterval]
    height: float
    kind: Literal["intervals"] = "intervals"

    @property
    def x_ticks(self) -> list[tuple[float, str]]:
        """Positions and texts of the ticks across."""
        return self.x_axis.ticks()


def interval_chart(title: str, x_label: str, intervals: Sequence[Interval]) -> IntervalChart:
    """Lay out means with their intervals.

    Args:
        title: Line above.
        x_label: What is across.
        intervals: The rows, the first on top.
    """
    halves = [0.0 if math.isnan(one.half) else one.half for one in intervals]
    pairs = list(zip(intervals, halves, strict=True))
    ends = [one.mean + sign * half for one, half in pairs for sign in (-1, 1)]
    axis = axis_of([*ends, 0.0], LABELS, WIDE - RIGHT)
    rows = [
        DrawnInterval(
            shortened(one.label, LABEL_LENGTH), ROW * (number + 0.7), axis.at(one.mean),
            axis.at(one.mean - half), axis.at(one.mean + half), one.style, _said(one, half),
        )
        for number, (one, half) in enumerate(pairs)
    ]  # fmt: skip
    return IntervalChart(title, x_label, axis, rows, ROW * (len(rows) + 0.4) + BOTTOM)


def _said(one: Interval, half: float) -> str:
    return f"{one.label}: {one.mean:.4f}" + (f" ± {half:.4f}" if half else "")
