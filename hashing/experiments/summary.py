"""Summarize results: mean over seeds and its 95 % confidence interval for each row."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

from .class_split import WHOLE
from .result import RunResult

METRICS = ("map", "map_min", "map_tied")
CUTOFFS = ("5", "20", "100")
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class SeedEstimate:
    """Mean over seeds with its confidence interval.

    Attributes:
        mean: Mean of the values.
        half: Half the width of the 95 % interval (Student's t); NaN for a single value.
        count: Number of values.
    """

    mean: float
    half: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.3f}" if math.isnan(self.half) else f"{self.mean:.3f} ± {self.half:.3f}"


def estimate(values: Sequence[float]) -> SeedEstimate:
    """Compute the mean and its 95 % interval.

    Raises:
        ValueError: If there are no values.

    >>> str(estimate([1.0, 2.0, 3.0]))
    '2.000 ± 2.484'
    """
    if not values:
        raise ValueError("no values to average")
    if len(values) == 1:
        return SeedEstimate(values[0], math.nan, 1)
    from scipy.stats import t

    quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    half = quantile * stdev(values) / math.sqrt(len(values))
    return SeedEstimate(fmean(values), half, len(values))


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """Means over the seeds of one row at one code length on one store.

    Attributes:
        store: Name of the store.
        row: The row's label.
        bits: Code length K.
        part: ``all``, ``listed`` or ``rest`` of the classes.
        scores: By metric and cutoff, such as ``("map", "20")``.
        cpu: CPU seconds of a training; ``None`` if all were interrupted.
        parameters: Number of parameters of the model.
        values: Config keys that the row sets.
    """

    store: str
    row: str
    bits: int
    part: str
    scores: dict[tuple[str, str], SeedEstimate]
    cpu: SeedEstimate | None
    parameters: int
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return the line with its mean scores as JSON values."""
        scores = {metric: {k: self.scores[metric, k].mean for k in CUTOFFS} for metric in METRICS}
        return {
            "store": self.store,
            "row": self.row,
            "bits": self.bits,
            "part": self.part,
            "seeds": self.scores["map", "20"].count,
            **scores,
            "train_cpu_s": None if self.cpu is None else self.cpu.mean,
            "parameters": self.parameters,
            "values": dict(self.values),
        }


def summarize(results: Sequence[RunResult]) -> list[SummaryLine]:
    """Average over seeds: a line for each store, row, K and part, in the order of the results."""
    groups: dict[tuple[str, str, int], list[RunResult]] = {}
    for result in results:
        groups.setdefault((result.store, result.row, result.bits), []).append(result)
    return [_line(group, part) for group in groups.values() for part in group[0].scores]


def _line(group: Sequence[RunResult], part: str) -> SummaryLine:
    first = group[0]
    scores = {
        (metric, k): estimate([result.scores[part][metric][k] for result in group])
        for metric in METRICS
        for k in CUTOFFS
    }
    times = [result.cpu_seconds for result in group if result.cpu_seconds is not None]
    cpu = estimate(times) if times else None
    return SummaryLine(
        store=first.store,
        row=first.row,
        bits=first.bits,
        part=part,
        scores=scores,
        cpu=cpu,
        parameters=first.parameters,
        values=first.values,
    )


def to_csv(lines: Sequence[SummaryLine], *, varied: Sequence[str] = ()) -> str:
    """Format the lines as CSV with a header.

    Args:
        lines: One line of the file each.
        varied: Config keys that get a column after ``row``; empty where a row does not set one.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    named = [(metric, k) for metric in METRICS for k in CUTOFFS]
    heads = [f"{metric}@{k}{tail}" for metric, k in named for tail in ("", "_half")]
    start = ["store", "row", *varied, "bits", "part", "seeds"]
    writer.writerow([*start, *heads, "train_cpu_s", "parameters"])
    for line in lines:
        found = [line.scores[name] for name in named]
        cells = [_number(x) for one in found for x in (one.mean, one.half)]
        cpu = "" if line.cpu is None else f"{line.cpu.mean:.1f}"
        settings = [line.values.get(key, "") for key in varied]
        head = [line.store, line.row, *settings, line.bits, line.part, found[0].count]
        writer.writerow([*head, *cells, cpu, line.parameters])
    return text.getvalue()


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.5f}"


def whole(lines: Sequence[SummaryLine]) -> list[SummaryLine]:
    """Return the lines that cover all classes."""
    return [line for line in lines if line.part == WHOLE]
