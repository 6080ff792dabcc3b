"""Write duplicates.md and its picture from the committed CSVs: nothing is measured here."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure
from page import table, wrapped

from chainpipe.hashing.matching.quick_filter import MOST

NAMES = {  # of the folders of the sets
    "CA": "camera, tuning",
    "CB": "camera, report",
    "CBS": "camera, stronger edits",
    "CBN": "camera, unseen edits",
    "GA": "games, tuning",
    "GB": "games, report",
}
RIVALS = ("vPDQ's rule", "pHash votes of 25 frames", "collage hash", "cosine of means")
KINDS = ("single", "triple")
CHECK = "second check"
COMMANDS = ("dedup", "dedup --recheck")
HARD = ("take", "retake", "intro", "start", "template", "shares-a-little", "near", "different")
Found = Mapping[tuple[str, str, str], float]


def write_report(rows: Path, growth: Path, page: Path, picture: Path) -> None:
    """Write the page and the picture of what was measured."""
    with rows.open() as file:
        found = {(r["set"], r["row"], r["what"]): float(r["value"]) for r in csv.DictReader(file)}
    sets = sorted({name for name, *_ in found}, key=lambda name: (name not in NAMES, name))
    parts = ["# Duplicates", "", *_about(), *_copies(found, sets), *_answers(found, sets)]
    parts += [*_candidates(found, sets), *_edits(found, sets), *_growth(growth)]
    page.write_text(wrapped(parts) + "\n")
    _draw(found, sets, picture)


def _about() -> list[str]:
    return [
        "Made copies with computed truth, beside rules on hashes of frames. Limits and weights "
        "were chosen on the tuning sets only; the others have other clips. `stronger`: edits 1.3 "
        "to 1.8 times as strong; `unseen`: edits that `make_copies.py` does not know. Recall is of "
        "a copy and its unedited original; a pair that is no candidate counts as missed. Unseen "
        "edits are in a store of their own, compared by `--against`.",
        "",
        "Made by `python docs/numbers/bench_duplicates.py`: `prepare`, `unseen`, `measure`, "
        "`growth`, then `report`.",
        "",
    ]


def _copies(found: Found, sets: list[str]) -> list[str]:
    rows = []
    for name in sets:
        for row in (CHECK, *RIVALS, *(f"{rival}, blanks left out" for rival in RIVALS)):
            if (name, row, "single at .99") in found:
                facts = [
                    found[name, row, f"{kind} {how}"]
                    for how in ("at .99", "above all")
                    for kind in ("single", "triple")
                ]
                rows.append([NAMES.get(name, name), row, *(_number(fact) for fact in facts)])
    heads = ["set", "method", "single", "triple", "single, above all", "triple, above all"]
    text = (
        "By score alone, over all pairs of the set: negatives that share a place, a start, a title "
        "or a template are among them. The second check reads the stored features only."
    )
    return ["## Recall at a precision of .99", "", text, "", *table(heads, rows), ""]


def _answers(found: Found, sets: list[str]) -> list[str]:
    shares, wrongs = [], []
    for name in sets:
        for row in COMMANDS:
            if (name, row, "precision") not in found:
                continue
            label = [NAMES.get(name, name), f"`{row}`"]
            right = [
                _number(found[name, row, f"{kind} called copy"])
                if found[name, "set", kind]
                else "-"
                for kind in KINDS
            ]
            beside = not found[name, "set", "triple"]  # two stores: parts are within one of them
            parts = [
                "-" if beside else _number(found[name, row, f"{kind} called part of"])
                for kind in ("part-of", "part-of edited")
            ]
            precision = _number(found[name, row, "precision"])
            seconds = _number(found[name, row, "seconds"], 2)
            shares.append([*label, precision, *right, *parts, seconds])
            hard = [int(found[name, row, f"{kind} called copy"]) for kind in HARD]
            blanks = int(found[name, row, "blanks"])
            wrong = int(found[name, row, "others called part of"])
            counts = [int(found[name, row, "right"]), *hard, blanks, wrong]
            wrongs.append([*label, *map(str, counts)])
    heads = ["set", "command", "precision", "single", "triple", "part of", "part of, edited"]
    others = ["set", "command", "right", *HARD, "with a blank", "others called part"]
    text = (
        "What the command says, with its limits as they are. Precision is that of the answer "
        "`copy`, over all pairs of the set, copies of one original among each other included; the "
        "other columns are shares of true pairs. CPU seconds are those of a video."
    )
    more = "Numbers of pairs called copy, by what they are:"
    return [
        "## Answers", "", text, "", *table([*heads, "CPU s"], shares), "",
        more, "", *table(others, wrongs), "",
    ]  # fmt: skip


def _candidates(found: Found, sets: list[str]) -> list[str]:
    rows = []
    for name in sets:
        for row in dict.fromkeys(r for s, r, _ in found if s == name and r.startswith("candid")):
            facts = [found[name, row, k] for k in ("single", "triple", "part-of")]
            pairs = int(found[name, row, "pairs"])
            label = row.removeprefix("candidates: ")
            shares = [_number(fact) for fact in facts]
            rows.append([NAMES.get(name, name), label, str(pairs), *shares])
    costs = []
    for name in sets:
        if (name, "filter", "kept") in found:
            costs.append([
                NAMES.get(name, name),
                _number(found[name, "filter", "kept"]),
                _number(found[name, "filter", "lost"], 4),
                _number(found[name, "filter", "microseconds"], 1),
                _number(found[name, "second check", "milliseconds"], 2),
            ])  # fmt: skip
    heads = ["set", "candidates kept", "true answers lost", "us a pair", "ms a check"]
    return [
        "## Candidates, filter and costs", "",
        *table(["set", "candidates by", "pairs", "single", "triple", "part of"], rows), "",
        "CPU times of a machine with two cores that many processes shared.", "",
        *table(heads, costs), "",
    ]  # fmt: skip


def _edits(found: Found, sets: list[str]) -> list[str]:
    lines = ["## Called copy, by edit", ""]
    for row in COMMANDS:
        edits = sorted({what for _, r, what in found if r == f"{row}, single by edit"})
        rows = []
        for edit in edits:
            facts = [found.get((name, f"{row}, single by edit", edit)) for name in sets]
            rows.append([edit, *("" if fact is None else _number(fact) for fact in facts)])
        heads = ["edit", *(NAMES.get(name, name) for name in sets)]
        lines += [f"`{row}`, one edit:", "", *table(heads, rows), ""]
    return lines


def _growth(path: Path) -> list[str]:
    if not path.exists():
        return []
    with path.open() as file:
        rows = list(csv.DictReader(file))
    last = rows[-1]
    times = 100_000 / float(last["videos"])
    search = float(last["CPU s candidates"]) * times**2 / 60
    rest = float(last["CPU s filter"]) * times / 60
    checks = MOST * float(last["ms a checked pair"]) / 60_000
    text = (
        f"Made videos in clusters of twenty. For 100,000, from the last line: {search:.0f} CPU "
        f"minutes for the candidates, which grow as the square, {rest:.0f} for the filter, and "
        f"{checks:.0f} for the {MOST:,} best pairs that it leaves at most (beside the sure ones). "
        "Held as float16, 25 frames of 256 numbers are 13 kB a video: 1.3 GB for 100,000."
    )
    body = [list(row.values()) for row in rows]
    return ["## Growth", "", text, "", *table(list(rows[0]), body), ""]


def _draw(found: Found, sets: list[str], path: Path) -> None:
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    for axis, kind in zip(axes, ("single", "triple"), strict=True):
        shown = [s for s in sets if (s, CHECK, f"{kind} at .99") in found]
        for place, row in enumerate((CHECK, *RIVALS)):
            heights = [found.get((s, row, f"{kind} at .99"), 0.0) for s in shown]
            at = [k + place * 0.13 for k in range(len(shown))]
            axis.bar(at, heights, width=0.12, label=row)
        axis.set_xticks([k + 0.33 for k in range(len(shown))])
        axis.set_xticklabels([NAMES.get(s, s).replace(", ", "\n") for s in shown], fontsize=8)
        axis.set_title(f"{kind} edits: recall at precision .99", fontsize=9)
    axes[0].set_ylim(0, 1)
    axes[1].legend(fontsize=7)
    figure.savefig(path, dpi=130, metadata={"Software": None})


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}"
