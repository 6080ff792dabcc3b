"""What a section of the report consists of: tables, notes and charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .bar_charts import BitChart, IntervalChart
from .line_chart import LineChart


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table; the first column names the row, the others are right-aligned.

    Attributes:
        title: Its caption.
        heads: Names of the columns.
        rows: Cells, one text for each column.
        folded: Whether it is shown only when it is opened.
        text: Whether cells are words, not numbers, and so are left-aligned.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    folded: bool = False
    text: bool = False
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True)
class ReportNotes:
    """Sentences as a list.

    Attributes:
        title: Line above them; may be empty.
        lines: The sentences.
        tone: ``warning`` for what should be read, ``command`` for lines of a shell.
    """

    title: str
    lines: Sequence[str]
    tone: Literal["plain", "warning", "command"] = "plain"
    kind: Literal["notes"] = "notes"


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A line style and what it stands for."""

    label: str
    style: int


@dataclass(frozen=True, slots=True)
class ChartGrid:
    """Charts side by side under one legend.

    Attributes:
        title: Line above them.
        charts: The charts.
        legend: Styles that all charts share.
        note: Line below them; may be empty.
    """

    title: str
    charts: Sequence[LineChart | BitChart | IntervalChart]
    legend: Sequence[LegendEntry] = ()
    note: str = ""
    kind: Literal["charts"] = "charts"


Block = ReportTable | ReportNotes | ChartGrid


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A section of the report.

    Attributes:
        anchor: Its id in the page.
        title: Its heading.
        blocks: What it holds, in order.
    """

    anchor: str
    title: str
    blocks: Sequence[Block]
