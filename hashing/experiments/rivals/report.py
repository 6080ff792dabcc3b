"""Markdown report of the rivals' table: a table for each case and score, costs, one sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .cases import TITLES
from .experiment import CheckedCase
from .result import RivalResult
from .rows import RivalRow
from .score import FIRST, MAP
from .summary import RivalLine
from .verdict import verdict

DASH = "-"
ABOUT = (
    "Which representation finds the right videos at equal bytes a video? All are fitted on the"
    " same training videos, without labels."
)
NAMES = {MAP: "mAP@20", FIRST: "P@1"}
Cell = Callable[[RivalLine], str]


def rivals_report(
    cases: Sequence[CheckedCase],
    rows: Sequence[RivalRow],
    results: Sequence[RivalResult],
    lines: Sequence[RivalLine],
    *,
    sizes: Sequence[int],
    seeds: int,
) -> str:
    """Format the report.

    Args:
        cases: The cases.
        rows: Rows of the table.
        results: Results of all runs.
        lines: Their means over seeds.
        sizes: Bytes a video, the columns.
        seeds: Number of seeds.
    """
    text = ["# Experiment: rivals", "", ABOUT, "", "![mAP@20 over bytes](picture.png)", ""]
    text += _notes(rows, results, seeds)
    for each in cases:
        name, case = each.case.store.stem, each.case.name
        mine = [line for line in lines if (line.store, line.case) == (name, case)]
        text += ["", f"## {name}: {TITLES[case]}", ""]
        text += [f"- Trained on {each.videos} videos. {' '.join(each.sentences)}"]
        text += _tables(mine, rows, sizes)
    text += ["", "## Train, or take another?", "", verdict(lines, trained_labels(rows))]
    return "\n".join(text) + "\n"


def trained_labels(rows: Sequence[RivalRow]) -> frozenset[str]:
    """Return the labels of the rows that are trained by gradients."""
    return frozenset(row.label for row in rows if row.trained)


def _notes(rows: Sequence[RivalRow], results: Sequence[RivalResult], seeds: int) -> list[str]:
    text = [f"- `{row.label}`: {row.about}" for row in rows]
    text.append(
        f"- Each figure is the mean of {seeds} seeds ± half its 95 % interval (Student); rows"
        " without chance have one value."
    )
    text.append(f"- {DASH}: the row has no such size. Own size: bytes a video in brackets.")
    text.append("- AP@20 is divided by 20. Equal distances are ordered by row.")
    text.append("- CPU s: one training on one thread, reading the store included.")
    text.append(
        "- CPU ms: one query on one thread, asked in blocks: encode it and compare it with all"
        " videos searched."
    )
    versions = ", ".join(sorted({result.version for result in results}))
    codes = ", ".join(sorted({result.code for result in results}))
    text.append(f"- chainpipe {versions}, code {codes}.")
    return text


def _tables(
    lines: Sequence[RivalLine], rows: Sequence[RivalRow], sizes: Sequence[int]
) -> list[str]:
    text = []
    names = dict.fromkeys(name for line in lines for name in line.scores)
    for name in [n for n in names if n in NAMES]:
        text += ["", f"### {NAMES[name]}", ""]
        text += _table(lines, rows, sizes, _score_of(name))
    edits = [n for n in names if n not in NAMES]
    if edits:
        text += ["", "### P@1 by edit", "", *_edits(lines, edits)]
    text += ["", "### CPU s of training", "", *_table(lines, rows, sizes, _seconds)]
    return [*text, "", "### CPU ms of a query", "", *_table(lines, rows, sizes, _milliseconds)]


def _table(
    lines: Sequence[RivalLine], rows: Sequence[RivalRow], sizes: Sequence[int], cell: Cell
) -> list[str]:
    text = [f"| row | {' | '.join(f'{size} bytes' for size in sizes)} | own size |"]
    text.append("|---|" + "---:|" * (len(sizes) + 1))
    for row in rows:
        mine = {line.size: line for line in lines if line.row == row.label}
        cells = [cell(mine[size]) if size in mine else DASH for size in sizes]
        own = f"{cell(mine[0])} ({mine[0].bytes})" if 0 in mine else DASH
        text.append(f"| {row.label} | {' | '.join([*cells, own])} |")
    return text


def _edits(lines: Sequence[RivalLine], edits: Sequence[str]) -> list[str]:
    heads = [name.removeprefix(FIRST).strip() for name in edits]
    text = [f"| row | bytes | {' | '.join(heads)} |", "|---|---:|" + "---:|" * len(edits)]
    for line in lines:
        cells = [f"{line.scores[name].mean:.3f}" for name in edits]
        text.append(f"| {line.row} | {line.bytes} | {' | '.join(cells)} |")
    return text


def _score_of(name: str) -> Cell:
    return lambda line: str(line.scores[name])


def _seconds(line: RivalLine) -> str:
    return DASH if line.train_cpu is None else f"{line.train_cpu:.1f}"


def _milliseconds(line: RivalLine) -> str:
    return f"{1000 * line.query_cpu:.3f}"
