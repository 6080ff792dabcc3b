"""Precision-recall curves of an experiment: the mean over the seeds of each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from .class_split import WHOLE
from .result import RunResult


@dataclass(frozen=True, slots=True)
class MeanCurve:
    """Precision and recall down to J ranks, ties averaged, means over queries and seeds.

    Attributes:
        store: Name of the store.
        row: The row's label.
        bits: Code length K.
        recall: (J,).
        precision: (J,).
    """

    store: str
    row: str
    bits: int
    recall: Sequence[float]
    precision: Sequence[float]


def mean_curves(results: Sequence[RunResult]) -> list[MeanCurve]:
    """Average the curves of all classes: one for each store, row and K, in order of the results."""
    groups: dict[tuple[str, str, int], list[RunResult]] = {}
    for result in results:
        groups.setdefault((result.store, result.row, result.bits), []).append(result)
    return [
        MeanCurve(*key, _mean(group, "recall"), _mean(group, "precision"))
        for key, group in groups.items()
    ]


def _mean(group: Sequence[RunResult], name: str) -> list[float]:
    # all seeds share the ranks: they depend on the size of the database only
    curves = [result.scores[WHOLE]["pr_rank"][name] for result in group]
    return [fmean(values) for values in zip(*curves, strict=True)]
