"""Section "code health": whether every bit is used, and whether bits repeat each other."""

from __future__ import annotations

from collections.abc import Sequence

from .bar_charts import bit_chart
from .blocks import Block, ChartGrid, ReportNotes, ReportSection, ReportTable
from .reported_model import ReportedModel

HEADS = (
    *("", "bits", "videos", "bit balance", "bit entropy", "dead bits", "bit correlation"),
    "distinct codes",
)
READING = (
    "Bit balance: 1 where every bit is 1 in half of the videos, 0 where bits are constant.",
    "Dead bits have less than 0.2 bits of entropy. Bit correlation is the mean absolute"
    " correlation of two bits: 0 is best.",
    "Distinct codes: number of different codes divided by the number of videos.",
)


def health_section(models: Sequence[ReportedModel]) -> ReportSection:
    """Return the section.

    Args:
        models: At least one.
    """
    rows, charts = [], []
    for style, model in enumerate(models):
        if (found := model.health) is None:
            continue
        rows.append(
            [
                *(model.name, str(model.facts.bits), str(found.videos)),
                *(f"{found.balance:.3f}", f"{found.entropy:.3f}", str(found.dead)),
                *(f"{found.correlation:.3f}", f"{found.distinct:.3f}"),
            ]
        )
        charts.append(bit_chart(model.label, found.ones, style))
    if not rows:
        missing = ReportNotes("", ["No codes are at hand: `chainpipe encode` writes them."])
        return ReportSection("health", "Code health", [missing])
    blocks: list[Block] = [
        ReportTable("Codes of the library, without labels", HEADS, rows),
        ReportNotes("", READING),
        ChartGrid("Share of videos in which each bit is 1", charts),
    ]
    return ReportSection("health", "Code health", blocks)
