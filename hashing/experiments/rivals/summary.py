"""Means over seeds of the rivals' results, and their CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from ..summary import SeedEstimate, estimate
from .result import RivalResult
from .score import FIRST, MAP


@dataclass(frozen=True, slots=True)
class RivalLine:
    """Means over the seeds of one row at one size in one case.

    Attributes:
        store: Name of the store.
        case: Name of the case.
        row: The row's label.
        size: Bytes that were asked for; 0 for a row with a size of its own.
        bytes: Bytes of a stored video.
        scores: ``map@20`` and ``p@1``; of copies ``p@1`` and ``p@1 EDIT``.
        train_cpu: CPU seconds of a training; ``None`` if all were interrupted.
        query_cpu: CPU seconds of a query.
    """

    store: str
    case: str
    row: str
    size: int
    bytes: int
    scores: dict[str, SeedEstimate]
    train_cpu: float | None
    query_cpu: float

    @property
    def main(self) -> SeedEstimate:
        """mAP@20, or of copies the rate at rank 1."""
        return self.scores[MAP if MAP in self.scores else FIRST]

    def to_json(self) -> dict[str, object]:
        """Return the line with its mean scores as JSON values."""
        return {
            "store": self.store,
            "case": self.case,
            "row": self.row,
            "bytes": self.bytes,
            "own_size": not self.size,
            "seeds": self.main.count,
            "scores": {name: found.mean for name, found in self.scores.items()},
            "train_cpu_s": self.train_cpu,
            "query_cpu_ms": 1000 * self.query_cpu,
        }


def summarize_rivals(results: Sequence[RivalResult]) -> list[RivalLine]:
    """Average over seeds: a line for each store, case, row and size, in the order of results."""
    groups: dict[tuple[str, str, str, int], list[RivalResult]] = {}
    for result in results:
        key = result.store, result.case, result.row, result.size
        groups.setdefault(key, []).append(result)
    return [_line(key, group) for key, group in groups.items()]


def _line(key: tuple[str, str, str, int], group: Sequence[RivalResult]) -> RivalLine:
    costs = [result.train_cpu for result in group if result.train_cpu is not None]
    return RivalLine(
        *key,
        bytes=group[0].bytes,
        scores={
            name: estimate([result.scores[name] for result in group]) for name in group[0].scores
        },
        train_cpu=fmean(costs) if costs else None,
        query_cpu=fmean(result.query_cpu for result in group),
    )


def rivals_csv(lines: Sequence[RivalLine]) -> str:
    """Format the lines as CSV with a header: a line for each score."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ("store", "case", "row", "bytes", "own_size", "seeds", "score", "mean", "half")
    writer.writerow([*head, "train_cpu_s", "query_cpu_ms"])
    for line in lines:
        cpu = "" if line.train_cpu is None else f"{line.train_cpu:.2f}"
        start = [line.store, line.case, line.row, line.bytes, int(not line.size)]
        for name, found in line.scores.items():
            half = "" if math.isnan(found.half) else f"{found.half:.5f}"
            cells = [found.count, name, f"{found.mean:.5f}", half]
            writer.writerow([*start, *cells, cpu, f"{1000 * line.query_cpu:.4f}"])
    return text.getvalue()
