"""Draw the figures and write stage-one.md from the committed JSONs: nothing is measured here."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from figures import EXACT, LOOKS, Facts, backbone_figure, decode_figure, extract_figure
from matplotlib.figure import Figure
from page import about_lines, goal_rows, middle, number, table, wrapped

HERE = Path(__file__).parent
REASONS = "reasons.json"  # by hand: why a goal is not reached


def decode_lines(found: Facts) -> list[str]:
    """Return the tables of the decoders: cost, and which frames came."""
    heads = ["file", "ffmpeg select, CPU s", "chainpipe, CPU s", "start-up included, CPU s"]
    names = [name for name in LOOKS if any(name in file["methods"] for file in found["files"])]
    cost = [
        [
            file["name"],
            middle(file["methods"][found["base"]].get("cpu")),
            middle(file["methods"][EXACT].get("cpu")),
            middle(file["one file, start-up included"]),
            *(middle(file["methods"].get(name, {}).get("ratio")) for name in names),
        ]
        for file in found["files"]
    ]
    right = [
        [file["name"], *(_right(file["methods"].get(name, {})) for name in names_of(found))]
        for file in found["files"]
    ]
    start = f"A decode child's start and end cost {middle(found['start-up'])} CPU seconds, once."
    return [
        "### Cost", "", start, "The other columns are shares of `ffmpeg select`, which decodes "
        "everything and is told the number of frames.", "",
        *table([*heads, *names], cost), "",
        "### Right frames", "", "By the number drawn into every frame. `=` after ours: equal bit "
        "for bit to decoding everything with the same library and resize. For damaged files the "
        "honest answer is `partial`; for `--sampling keyframe` right means the frame is the one "
        "that the answer names.", "",
        *table(["file", *names_of(found)], right), "",
    ]  # fmt: skip


def names_of(found: Facts) -> list[str]:
    """Return all methods in the order in which they were measured."""
    return list(dict.fromkeys(name for file in found["files"] for name in file["methods"]))


def _right(facts: Facts) -> str:
    if not facts:
        return ""
    if facts.get("failed"):
        return str(facts["status"] if facts["status"] not in ("", "error") else facts["failed"])[
            :40
        ]
    words = [f"{facts['right']}/{facts['frames']}", facts["status"] if facts["status"] else ""]
    mark = {True: "=", False: "differs"}.get(facts.get("identical", ""), "")
    return " ".join(word for word in (*words, mark) if word)


def backbone_lines(found: Facts) -> list[str]:
    """Return the table of the backbone."""
    rows = [
        [name, middle(way["frames a CPU-second"]), middle(way["ratio"])]
        for name, way in found["methods"].items()
    ]
    alike = found["cosine"]
    words = f"Cosine with eager torch: {alike['min']} at worst, {alike['mean']} on average."
    return [*table(["method", "frames a CPU-second", "ratio"], rows), "", words, ""]


def extract_lines(found: Facts) -> list[str]:
    """Return the tables of whole extractions."""
    lines: list[str] = []
    if "whole" in found:
        whole = found["whole"]
        names = ("overhead", "overhead with start-up", "busy", "busy after start-up", "wall ratio")
        lines += table(["figure", "found"], [[name, middle(whole[name])] for name in names])
        start = whole["start-up"]
        lines += ["", f"Start-up: {start['cpu']} CPU s, {start['wall']} s on the clock.", ""]
    if "shared" in found:
        lines += _runs_table(found["shared"])
    if "adding" in found:
        grown = found["adding"]
        runs = {
            f"{grown['new']} new videos alone": grown["new alone"],
            f"the same, added to {grown['old']:,}": grown["adding"],
            "nothing to do": grown["nothing to do"],
        }
        lines += _runs_table(runs)
        words = f"Adding / (new alone + copy of the file): {grown['ratio']}, start-up in both."
        lines += [words, ""]
    if "memory" in found:
        lines += _runs_table({f"{run['videos']:,} videos": run for run in found["memory"]})
    return lines


def _runs_table(runs: dict[str, Facts]) -> list[str]:
    heads = ["run", "CPU s", "of it decode", "of it backbone", "wall s", "peak MB", "store MB"]
    rows = []
    for name, run in runs.items():
        if not run.get("available", True):
            rows.append([name, "not available", *[""] * 5])
            continue
        keys = ("cpu", "decode_cpu", "backbone_cpu", "wall", "peak_mb")
        rows.append([name, *(number(run[key]) for key in keys), number(run["bytes"] / 1e6)])
    return [*table(heads, rows), ""]


SECTIONS: dict[str, tuple[str, Callable[[Facts], Figure], Callable[[Facts], list[str]]]] = {
    "decode": ("Decoding", decode_figure, decode_lines),
    "backbone": ("The default backbone", backbone_figure, backbone_lines),
    "extract": ("Whole extractions", extract_figure, extract_lines),
}


def section(name: str, found: Facts, reasons: dict[str, str]) -> list[str]:
    """Return one section of the page."""
    title, _, lines = SECTIONS[name]
    heads = ["goal", "limit", "found", "", "why not"]
    return [
        f"## {title}", "", f"![{title}]({name}.png)", "",
        *table(heads, goal_rows(found["goals"], reasons)), "",
        about_lines(found["about"]), "", *lines(found),
    ]  # fmt: skip


def main() -> None:
    """Draw what there is a JSON for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of JSONs and pages")
    out = parser.parse_args().out
    noted = out / REASONS
    reasons = json.loads(noted.read_text()) if noted.exists() else {}
    lines = ["# Stage one, measured", ""]
    for name, (_, figure_of, _) in SECTIONS.items():
        path = out / f"{name}.json"
        if not path.exists():
            continue
        found = json.loads(path.read_text())
        figure = figure_of(found)
        figure.set_layout_engine("constrained")
        figure.savefig(out / f"{name}.png")
        if len(lines) == 2:
            lines += [found["about"]["method"], ""]
        lines += section(name, found, reasons)
    (out / "stage-one.md").write_text(wrapped(lines))
    print(json.dumps({"written": "stage-one.md"}))


if __name__ == "__main__":
    main()
