"""What label-free validation is worth: its rank correlation with measured mAP.

It is that of training: metrics of the held-out videos before the first and after the last
step. A run gives two points. The codes of before are those of a row without epochs, by default
`start`, of the same set, length and seed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from page import table
from real_results import Results
from scipy.stats import spearmanr

START = "start"
# Question of a set -> the metric that speaks of it. New content has a held-out region of its own.
METRIC = {"new": "val_new_kept"}
USUAL = "val_halves_found"
LEAST = 4  # points; fewer have no rank correlation


@dataclass(frozen=True)
class Point:
    """Codes with a validation metric and their measured score.

    Attributes:
        set: Set and question.
        metric: Of validation.
        score: Measured mAP@20; of copies the rate of a right answer at rank 1.
    """

    set: str
    metric: float
    score: float


def validation_points(results: Results) -> list[Point]:
    """Return all codes that have both a validation metric and a measured score."""
    by_key = {
        (line["row"], line["set"], line["question"], line["bits"], line["seed"]): line
        for line in results.lines
    }
    points = []
    for (_, name, question, bits, seed), line in by_key.items():
        validation = json.loads(line.get("validation") or "{}")
        metric = METRIC.get(question, USUAL)
        started = by_key.get((START, name, question, bits, seed))
        for prefix, measured in (("", line), ("start ", started)):
            if prefix + metric in validation and measured is not None:
                points.append(
                    Point(f"{name}, {question}", validation[prefix + metric], _score(measured))
                )
    return points


def _score(line: dict[str, str]) -> float:
    return float(line["first_tied" if line["question"] == "copies" else "map20"])


def validation_table(points: Sequence[Point]) -> list[str]:
    """Return a line for each set, one for all together and one for the mean of the sets."""
    sets = list(dict.fromkeys(point.set for point in points))
    found = {name: [point for point in points if point.set == name] for name in sets}
    rows = [[name, str(len(some)), _said(_correlation(some))] for name, some in found.items()]
    known = [c for some in found.values() if (c := _correlation(some)) is not None]
    rows.append(["all together", str(len(points)), _said(_correlation(points))])
    rows.append(["mean of the sets", "", _said(float(np.mean(known)) if known else None)])
    return table(("set, question", "codes", "rank correlation"), rows)


def _correlation(points: Sequence[Point]) -> float | None:
    """Return Spearman's rank correlation; ``None`` of too few or of equal points."""
    metric, score = (np.array([getattr(p, name) for p in points]) for name in ("metric", "score"))
    if len(points) < LEAST or not np.ptp(metric) or not np.ptp(score):
        return None
    return float(spearmanr(metric, score).statistic)


def _said(value: float | None) -> str:
    return "" if value is None else f"{value:+.2f}"
