"""Records to figures: the mean over seeds and its 95 % interval, row by row."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from .class_split import WHOLE
from .result import RunResult

METRICS = ("map", "map_min", "map_tied")
CUTOFFS = ("5", "20", "100")
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class SeedEstimate:
    """A mean over seeds.

    Attributes:
        mean: Of the values.
        half: Half the width of its 95 % interval, by Student's t; NaN from a single value.
        count: How many values.
    """

    mean: float
    half: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.3f}" if math.isnan(self.half) else f"{self.mean:.3f} ± {self.half:.3f}"


def estimate(values: Sequence[float]) -> SeedEstimate:
    """Return the mean and its interval.

    Raises:
        ValueError: Without any value.

    >>> str(estimate([1.0, 2.0, 3.0]))
    '2.000 ± 2.484'
    """
    if not values:
        raise ValueError("no value has no mean")
    if len(values) == 1:
        return SeedEstimate(values[0], math.nan, 1)
    from scipy.stats import t

    quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    half = quantile * stdev(values) / math.sqrt(len(values))
    return SeedEstimate(fmean(values), half, len(values))


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """All seeds of one row at one code length on one store.

    Attributes:
        store: Its name.
        row: The row's label.
        bits: K.
        part: ``all``, ``listed`` or ``rest`` of the classes.
        scores: By metric and cutoff, such as ``("map", "20")``.
        cpu: Training CPU seconds, or ``None`` where no run was seen whole.
        parameters: Of the model.
    """

    store: str
    row: str
    bits: int
    part: str
    scores: dict[tuple[str, str], SeedEstimate]
    cpu: SeedEstimate | None
    parameters: int

    def to_json(self) -> dict[str, object]:
        """Return the line with its mean scores as plain values."""
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
        }


def summarize(records: Sequence[RunResult]) -> list[SummaryLine]:
    """Return one line for each store, row, length and part, in the order of the records."""
    groups: dict[tuple[str, str, int], list[RunResult]] = {}
    for record in records:
        groups.setdefault((record.store, record.row, record.bits), []).append(record)
    return [_line(group, part) for group in groups.values() for part in group[0].scores]


def _line(group: Sequence[RunResult], part: str) -> SummaryLine:
    first = group[0]
    scores = {
        (metric, k): estimate([record.scores[part][metric][k] for record in group])
        for metric in METRICS
        for k in CUTOFFS
    }
    times = [record.cpu_seconds for record in group if record.cpu_seconds is not None]
    cpu = estimate(times) if times else None
    return SummaryLine(first.store, first.row, first.bits, part, scores, cpu, first.parameters)


def to_csv(lines: Sequence[SummaryLine]) -> str:
    """Return a CSV, one line a row, with a head."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    named = [(metric, k) for metric in METRICS for k in CUTOFFS]
    heads = [f"{metric}@{k}{tail}" for metric, k in named for tail in ("", "_half")]
    start = ["store", "row", "bits", "part", "seeds"]
    writer.writerow([*start, *heads, "train_cpu_s", "parameters"])
    for line in lines:
        found = [line.scores[name] for name in named]
        cells = [_number(x) for one in found for x in (one.mean, one.half)]
        cpu = "" if line.cpu is None else f"{line.cpu.mean:.1f}"
        head = [line.store, line.row, line.bits, line.part, found[0].count]
        writer.writerow([*head, *cells, cpu, line.parameters])
    return text.getvalue()


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.5f}"


def whole(lines: Sequence[SummaryLine]) -> list[SummaryLine]:
    """Return the lines over all classes."""
    return [line for line in lines if line.part == WHOLE]
