"""The goals of the table, each with what was found and whether it is reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from paired import Difference, paired_difference
from real_results import COSINE, Results
from real_sets import CAMERA

from chainpipe.hashing.experiments.summary import SeedEstimate, estimate

PCA_ITQ = "pca-itq"
LENGTHS = (16, 32, 64)
MAIN = {16: (0.76, 0.78), 32: (0.80, 0.82), 64: (0.82, 0.84)}  # goal, stretch
FEW = 0.75
NEW, NEW_STRETCH, OWN = 0.95, 1.1, 0.95  # of PCA-ITQ, of PCA-ITQ, of the best row
NEW_LENGTHS = (32, 64)
COPIES = {"copies": 0.95, "copies-without": 0.90}  # of cosine
COPIES_BITS = 64
CAMERA_GAIN = 0.005
CPU_MAIN, CPU_SMALL, SMALL = 120.0, 60.0, 500  # seconds, seconds below so many videos
MAP, FIRST = "map20", "first_tied"


@dataclass(frozen=True)
class Goal:
    """One goal.

    Attributes:
        set: Its set.
        bits: Code length; 0 for all.
        ours: What the row reached; ``None`` if it was not measured.
        pca: What PCA-ITQ of the same bits reached.
        cosine: What the floats reached.
        words: The goal.
        stretch: Whether a further goal is reached; ``None`` if there is none.
        reached: ``None`` if it was not measured.
    """

    set: str
    bits: int
    ours: SeedEstimate | None
    pca: SeedEstimate | None
    cosine: SeedEstimate | None
    words: str
    reached: bool | None
    stretch: bool | None = None


@dataclass(frozen=True)
class Cell:
    """A camera set at one length, against PCA-ITQ.

    Attributes:
        set: Its name.
        bits: Code length.
        difference: Paired, of AP@20; ``None`` if one row was not measured.
        note: Why the codes are those of the start, if they are.
    """

    set: str
    bits: int
    difference: Difference | None
    note: str


class Found:
    """Means and paired differences of measured rows.

    Args:
        results: All runs.
        row: The row whose goals are asked.
    """

    def __init__(self, results: Results, row: str) -> None:
        self.results, self.row = results, row

    def mean(
        self, name: str, question: str, bits: int, *, row: str = "", score: str = MAP
    ) -> SeedEstimate | None:
        """Return the mean over seeds, ``None`` if nothing was measured."""
        bits = 0 if row == COSINE else bits
        values = self.results.values(row or self.row, name, bits, score, question)
        return estimate(values) if values else None

    def against(
        self,
        name: str,
        question: str,
        bits: int,
        *,
        score: str = MAP,
        group: str = "",
        other: str = PCA_ITQ,
    ) -> Difference | None:
        """Return the paired difference to another row over the seeds that both have.

        Args:
            name: The set.
            question: Of the set.
            bits: Code length.
            score: Of each query.
            group: Only queries of this group, such as an edit.
            other: The other row.
        """
        both = (self.results.seeds(row, name, bits) for row in (self.row, other))
        seeds = sorted(set.intersection(*map(set, both)))
        if not seeds:
            return None
        ours, theirs = (
            [self._queries(row, name, bits, seed, question, score, group) for seed in seeds]
            for row in (self.row, other)
        )
        return paired_difference(ours, theirs, same_queries=not name.startswith("copies"))

    def _queries(
        self, row: str, name: str, bits: int, seed: int, question: str, score: str, group: str
    ) -> np.ndarray:
        key = (row, name, bits, seed)
        scores = self.results.queries(key, question, score)
        return scores[self.results.queries(key, question, "groups") == group] if group else scores

    def edits(self, name: str) -> list[str]:
        """Return the edits of a set of copies, as far as both rows were measured."""
        seeds = self.results.seeds(self.row, name, COPIES_BITS)
        keys = [(self.row, name, COPIES_BITS, seed) for seed in seeds]
        groups = [self.results.queries(key, "copies", "groups") for key in keys]
        return sorted({str(edit) for found in groups for edit in found})

    def best(self, name: str, question: str, bits: int) -> float:
        """Return the highest mean of any row of codes."""
        rows = [row for row in self.results.rows() if row != COSINE]
        found = (self.mean(name, question, bits, row=row) for row in rows)
        return max((one.mean for one in found if one is not None), default=0.0)


def goals(found: Found) -> Iterator[Goal]:
    """Yield all goals but those of the camera sets, in the order of the issue."""
    for bits, (least, more) in MAIN.items():
        yield _at_least(found, "main", bits, least, stretch=more)
    yield _at_least(found, "few", 32, FEW)
    for name in ("new-rest", "new-listed"):
        for bits in NEW_LENGTHS:
            yield from _new(found, name, bits)
    for name, share in COPIES.items():
        yield from _copies(found, name, share)
    yield from _costs(found)


def _at_least(
    found: Found, name: str, bits: int, least: float, *, stretch: float | None = None
) -> Goal:
    ours = found.mean(name, "all", bits)
    more = None if stretch is None or ours is None else ours.mean >= stretch
    return Goal(
        name, bits, ours, found.mean(name, "all", bits, row=PCA_ITQ),
        found.mean(name, "all", bits, row=COSINE),
        f">= {least:g}" + (f", stretch {stretch:g}" if stretch else ""),
        None if ours is None else ours.mean >= least, more,
    )  # fmt: skip


def _new(found: Found, name: str, bits: int) -> Iterator[Goal]:
    for question in ("new", "own"):
        ours, pca, cosine = (
            found.mean(name, question, bits, row=row) for row in ("", PCA_ITQ, COSINE)
        )
        reached, stretch = None, None
        if question == "new":
            words = f">= {NEW:g} x PCA-ITQ, stretch {NEW_STRETCH:g}"
            if ours and pca:
                reached = ours.mean >= NEW * pca.mean
                stretch = ours.mean >= NEW_STRETCH * pca.mean
        else:
            best = found.best(name, question, bits)
            words = f">= {OWN:g} x the best row ({best:.3f})"
            reached = ours.mean >= OWN * best if ours else None
        yield Goal(f"{name}, {question}", bits, ours, pca, cosine, words, reached, stretch)


def _copies(found: Found, name: str, share: float) -> Iterator[Goal]:
    ours, pca, cosine = (
        found.mean(name, "copies", COPIES_BITS, row=row, score=FIRST)
        for row in ("", PCA_ITQ, COSINE)
    )
    figures = (name, COPIES_BITS, ours, pca, cosine)
    known = ours is not None and cosine is not None and pca is not None
    yield Goal(
        *figures, f">= {share:g} x cosine",
        ours.mean >= share * cosine.mean if known else None,  # type: ignore[union-attr]
    )  # fmt: skip
    yield Goal(*figures, "> PCA-ITQ", ours.mean > pca.mean if known else None)  # type: ignore[union-attr]
    below = [edit for edit, gap in by_edit(found, name).items() if gap.mean < 0]
    words = "no edit below PCA-ITQ" + (f" (below: {', '.join(below)})" if below else "")
    yield Goal(*figures, words, not below if known else None)


def by_edit(found: Found, name: str) -> dict[str, Difference]:
    """Return the difference to PCA-ITQ for each edit of a set of copies."""
    gaps = {
        edit: found.against(name, "copies", COPIES_BITS, score=FIRST, group=edit)
        for edit in found.edits(name)
    }
    return {edit: gap for edit, gap in gaps.items() if gap is not None}


def _costs(found: Found) -> Iterator[Goal]:
    lines = [line for line in found.results.lines if line["row"] == found.row]
    main = [float(line["cpu"]) for line in lines if line["set"] == "main"]
    small = [float(line["cpu"]) for line in lines if int(line["videos"]) < SMALL]
    for name, costs, limit in (
        ("CPU s, main", main, CPU_MAIN),
        (f"CPU s, below {SMALL} videos", small, CPU_SMALL),
    ):
        highest = max(costs) if costs else None
        words = f"<= {limit:g}" + ("" if highest is None else f" (highest {highest:.0f})")
        mean = estimate([fmean(costs)]) if costs else None
        yield Goal(name, 0, mean, None, None, words, None if highest is None else highest <= limit)


def camera_cells(found: Found) -> list[Cell]:
    """Return the twelve cells of the camera sets."""
    return [
        Cell(
            name, bits, found.against(name, "all", bits),
            "; ".join(dict.fromkeys(found.results.notes(found.row, name, bits))),
        )
        for name in CAMERA
        for bits in LENGTHS
    ]  # fmt: skip


def camera_goals(cells: list[Cell]) -> list[Goal]:
    """Return the two goals over the cells; not decided while one is missing."""
    gaps = [cell.difference for cell in cells if cell.difference is not None]
    whole = len(gaps) == len(cells)
    mean = fmean(gap.mean for gap in gaps) if gaps else float("nan")
    below = [gap for gap in gaps if gap.high < 0]
    return [
        Goal(
            "camera sets", 0, None, None, None,
            f"mean difference to PCA-ITQ >= {CAMERA_GAIN:+g} (found {mean:+.4f})",
            mean >= CAMERA_GAIN if whole else None,
        ),
        Goal(
            "camera sets", 0, None, None, None,
            f"no cell's interval wholly below 0 ({len(below)} are)",
            not below if whole else None,
        ),
    ]  # fmt: skip
