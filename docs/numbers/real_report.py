"""The page of the goal table, its picture and its CSV, from the results of a folder."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from page import table, wrapped
from real_goals import (
    FIRST,
    MAP,
    NEW_LENGTHS,
    PCA_ITQ,
    Cell,
    Found,
    Goal,
    by_edit,
    camera_cells,
    camera_goals,
    goals,
)
from real_results import COSINE, SCORES, Results
from real_validation import validation_points, validation_table

from chainpipe.hashing.experiments.summary import SeedEstimate, estimate
from chainpipe.pipeline.console import counted

PAGE, PICTURE, SUMMARY = "real-world.md", "real-world.png", "real-world.csv"
SEEDS = 5  # that the goals are of
NEW_SETS = ("new-rest", "new-listed")
COLOURS = {PCA_ITQ: "#0072B2"}
OURS, OTHERS, LINE = "#D55E00", "#999999", "#009E73"
HEAD = """Drawn by `real_world.py report` from the runs of `real_world.py measure`; the head of
[real_world.py](real_world.py) has the commands. mAP@20 divided by 20, mean over seeds ± half the
95 % interval (Student); of copies the rate of a right answer at rank 1, equal distances counted by
the share of right ones among them. `new-rest`: trained on the training videos of the
[tuning classes](tuning-classes.txt), asked with the other classes' test videos (`new`) and with
its own classes' (`own`); `new-listed`: the other way round. `copies-without`: trained on what is
searched only. `shared`: `gifs`, `fight` and `tank` as one library, right is the same kind of
source. In all sets without a split every video asks, and all have been trained on."""

VALIDATION = """Spearman's rank correlation, over rows, lengths and seeds, of what training
measures on held-out videos without labels (how often a video's halves find each other; of new
content, the neighbours kept in the held-out region) and mAP@20. Each run gives its codes after
training, and those of before where the row `start` was measured. Below 320 training videos none are
held out."""


def report(folder: Path, out: Path, *, row: str, frontier: Sequence[str]) -> None:
    """Write the page, the picture and the CSV.

    Args:
        folder: Of the results.
        out: Folder of the page.
        row: The row that the goals are of.
        frontier: Patterns of the rows that are joined by a line in the picture.
    """
    results = Results(folder)
    found = Found(results, row)
    cells = camera_cells(found)
    wanted = [*goals(found), *camera_goals(cells)]
    missed = sum(goal.reached is False for goal in wanted)
    reached = sum(goal.reached is True for goal in wanted)
    lines = [
        "# Codes in the real world", "", HEAD.replace("\n", " "), "",
        f"## Goals of `{row}`: {reached} reached, {missed} not, "
        f"{len(wanted) - reached - missed} not measured", "",
        *table(GOAL_HEADS, [_goal(goal) for goal in wanted]), "",
        "## Camera sets: paired difference to PCA-ITQ", "",
        "Mean over queries and seeds [95 % interval, both drawn with replacement].", "",
        *table(("set", "bits", "difference", "seeds", "start kept"), [_cell(c) for c in cells]), "",
        *_edits(found),
        "## Label-free validation against what was measured", "", VALIDATION.replace("\n", " "), "",
        *validation_table(validation_points(results)), "",
        "## Own kind against new content", "", f"![frontier]({PICTURE})", "",
        "## All rows", "",
        *table(ALL_HEADS, _all_rows(results)), "",
    ]  # fmt: skip
    (out / PAGE).write_text(wrapped(lines))
    _draw(found, frontier, out / PICTURE)
    _write_summary(results, out / SUMMARY)
    print(f"{PAGE}: {reached} goals reached, {missed} not, of {len(wanted)}")


def compare(folder: Path, *, row: str, other: str) -> list[str]:
    """Return the table of paired differences of two rows, on all that both were measured on."""
    results = Results(folder)
    found = Found(results, row)
    lines = []
    for name, question, bits, measured in sorted(_kinds(results)):
        score = FIRST if question == "copies" else MAP
        gap = found.against(name, question, bits, score=score, other=other)
        if measured == row and gap is not None:
            lines.append([name, question, _bits(bits), str(gap), str(gap.seeds)])
    return table(("set", "question", "bits", f"{row} - {other}", "seeds"), lines)


GOAL_HEADS = (
    "set", "bits", "ours", "PCA-ITQ", "cosine", "/ PCA-ITQ", "/ cosine", "goal", "reached",
)  # fmt: skip


def _goal(goal: Goal) -> list[str]:
    verdict = {None: "not measured", True: "yes", False: "**no**"}[goal.reached]
    more = {None: "", True: ", stretch too", False: ""}[goal.stretch]
    if goal.bits and goal.ours and goal.ours.count < SEEDS:
        more += f" ({counted(goal.ours.count, 'seed')} only)"
    return [
        goal.set, _bits(goal.bits), *(_said(one) for one in (goal.ours, goal.pca, goal.cosine)),
        _ratio(goal.ours, goal.pca), _ratio(goal.ours, goal.cosine), goal.words, verdict + more,
    ]  # fmt: skip


def _bits(bits: int) -> str:
    return str(bits) if bits else ""


def _said(found: SeedEstimate | None) -> str:
    return "" if found is None else str(found)


def _ratio(ours: SeedEstimate | None, theirs: SeedEstimate | None) -> str:
    return f"{ours.mean / theirs.mean:.2f}" if ours and theirs and theirs.mean else ""


def _cell(cell: Cell) -> list[str]:
    gap = cell.difference
    shown = ["", ""] if gap is None else [str(gap), str(gap.seeds)]
    return [cell.set, str(cell.bits), *shown, cell.note]


def _edits(found: Found) -> list[str]:
    """Return the tables of copies by edit."""
    lines: list[str] = []
    for name in ("copies", "copies-without"):
        if gaps := by_edit(found, name):
            rows = [[edit, str(gap)] for edit, gap in gaps.items()]
            title = f"## `{name}`, 64 bits: difference to PCA-ITQ by edit"
            lines += [title, "", *table(("edit", "rank 1 right"), rows), ""]
    return lines


ALL_HEADS = (
    "set", "question", "bits", "row", "mAP@20", "by min(20, R)", "rank 1 right", "seeds", "CPU s",
    "epochs",
)  # fmt: skip


def _all_rows(results: Results) -> list[list[str]]:
    lines = []
    for name, question, bits, row in sorted(_kinds(results), key=lambda kind: kind[:3]):
        columns = {
            column: results.values(row, name, bits, column, question)
            for column in (MAP, "map20_min", FIRST, "cpu", "epochs")
        }
        means = {column: estimate(values) for column, values in columns.items()}
        lines.append(
            [
                name, question, _bits(bits), row,
                str(means[MAP]), str(means["map20_min"]), str(means[FIRST]),
                str(means[MAP].count), f"{means['cpu'].mean:.0f}", f"{means['epochs'].mean:.0f}",
            ]
        )  # fmt: skip
    return lines


def _kinds(results: Results) -> list[tuple[str, str, int, str]]:
    """Return set, question, bits and row of all that was measured, once each."""
    found = (
        (line["set"], line["question"], int(line["bits"]), line["row"]) for line in results.lines
    )
    return list(dict.fromkeys(found))


def _write_summary(results: Results, path: Path) -> None:
    """Write the means over seeds; the runs themselves stay in their folder."""
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        halves = [each for score in SCORES for each in (score, f"{score}_half")]
        out.writerow(["set", "question", "bits", "row", "made", "seeds", *halves, "cpu", "epochs"])
        for name, question, bits, row in _kinds(results):
            key = (row, name, bits, results.seeds(row, name, bits)[0])
            made = ";".join(f"{k}={v}" for k, v in results.made(key).items())
            means = [estimate(results.values(row, name, bits, s, question)) for s in SCORES]
            shown = [each for one in means for each in (f"{one.mean:.5f}", f"{one.half:.5f}")]
            cost = [
                f"{estimate(results.values(row, name, bits, column, question)).mean:.1f}"
                for column in ("cpu", "epochs")
            ]
            out.writerow([name, question, bits, row, made, means[0].count, *shown, *cost])


def _draw(found: Found, frontier: Sequence[str], path: Path) -> None:
    """Draw own kind (x) against new content (y), a panel for each way and length."""
    figure, panels = plt.subplots(
        len(NEW_SETS), len(NEW_LENGTHS), figsize=(11, 8), dpi=110, layout="constrained"
    )
    for line, name in zip(panels, NEW_SETS, strict=True):
        for axes, bits in zip(line, NEW_LENGTHS, strict=True):
            _panel(axes, found, name, bits, frontier)
    figure.suptitle("mAP@20 on the trained classes (x) and on classes never seen (y)")
    figure.savefig(path)
    plt.close(figure)


def _panel(axes: Axes, found: Found, name: str, bits: int, frontier: Sequence[str]) -> None:
    points = {}
    for row in found.results.rows():
        own, new = (found.mean(name, q, bits, row=row) for q in ("own", "new"))
        if row != COSINE and own and new:
            points[row] = (own.mean, new.mean)
    joined = [row for row in points if any(fnmatch(row, pattern) for pattern in frontier)]
    if joined:
        path = sorted(points[row] for row in joined)
        axes.plot(*zip(*path, strict=True), color=LINE, linewidth=1.2, zorder=1)
    for row, (x, y) in points.items():
        colour = OURS if row == found.row else COLOURS.get(row, OTHERS)
        axes.scatter(x, y, 45, color=colour, zorder=2)
        axes.annotate(row, (x, y), xytext=(4, 4), textcoords="offset points", fontsize=7)
    if (pca := points.get(PCA_ITQ)) is not None:
        axes.axhline(0.95 * pca[1], color=COLOURS[PCA_ITQ], linestyle=":", linewidth=1)
    if points:
        axes.axvline(0.95 * max(x for x, _ in points.values()), color=OURS, linestyle=":")
    axes.set_title(f"{name}, {bits} bits; dotted: the goals", fontsize=9)
    axes.set_xlabel("own kind")
    axes.set_ylabel("new content")
    axes.grid(color="#dddddd", zorder=0)
