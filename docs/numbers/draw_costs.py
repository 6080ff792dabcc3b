"""Draw costs.md from costs.json and reasons.json: nothing is measured here."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from page import about_lines, goal_rows, middle, number, table, wrapped

HERE = Path(__file__).parent
REASONS = "reasons.json"  # by hand: why a goal is not reached
Facts = dict[str, Any]


def search_lines(found: list[Facts]) -> list[str]:
    """Return the table of searches by ids."""
    names = list(found[0]["CPU seconds"])
    heads = ["videos", *(line["videos"] for line in found)]
    cost = [[name, *(middle(line["CPU seconds"][name]) for line in found)] for name in names]
    ratios = [
        [what, *(middle(line[what]) for line in found)]
        for what in ("ours / raw faiss, in one process", "ours / raw faiss, a command")
    ]
    writer = "writer, microseconds a row"
    rows = [*cost, *ratios, [writer, *(number(line[writer]) for line in found)]]
    return [
        "## Searches by id", "",
        "64 bits, 10 answers, by Hamming distance; CPU seconds. Raw faiss is a Python program of "
        "six lines: it opens the codes by `numpy.load`, fills an `IndexBinaryFlat` and asks for "
        "the first rows. It looks up no id, checks no byte and names no file.", "",
        *table([str(head) for head in heads], rows), "",
    ]  # fmt: skip


def file_lines(found: Facts) -> list[str]:
    """Return the table of searches by new files."""
    rows = [[name, middle(cpu)] for name, cpu in found["CPU seconds"].items()]
    rows.append(
        ["720p, beyond decoding and backbone", middle(found["720p: beyond decoding and backbone"])]
    )
    return [
        "## Searches by a file", "",
        "New clips of 10 s, re-ranked and checked, in a library of ten; decoding and backbone of a "
        "720p clip are a fourth of what four more cost in one `extract`.", "",
        *table(["clip", "CPU seconds"], rows), "",
    ]  # fmt: skip


def encode_lines(found: list[Facts]) -> list[str]:
    """Return the table of encoding and evaluating without torch."""
    names = list(found[0]["CPU seconds"])
    rows = [[name, *(middle(line["CPU seconds"][name]) for line in found)] for name in names]
    rows.append(
        ["bits that differ from torch's",
         *(f"{line['bits that differ']} of {line['bits compared']:,}" for line in found)]
    )  # fmt: skip
    dim = found[0]["dim"]
    return [
        "## Encoding without torch", "",
        f"CHAIN's network, 64 bits, videos of 25 x {dim}; CPU seconds of the command, which fails "
        "here if torch was imported.", "",
        *table(["videos", *(f"{line['videos']:,}" for line in found)], rows), "",
    ]  # fmt: skip


def walk_lines(found: list[Facts]) -> list[str]:
    """Return the table of the scene walk."""
    rows = [
        [
            f"{line['videos']:,}", number(line["CPU seconds"]), str(line["MB beyond the frames"]),
            f"{line['of the same kind']:.3f}",
            *(
                [number(line["whole"]["CPU seconds"]), str(line["whole"]["MB beyond the frames"]),
                 f"{line['whole']['of the same kind']:.3f}", f"{line['the same neighbours']:.4f}"]
                if "whole" in line else [""] * 4
            ),
        ]
        for line in found
    ]  # fmt: skip
    heads = [
        "videos", "CPU s", "MB", "right", "all pairs: CPU s", "MB", "right", "same neighbours",
    ]  # fmt: skip
    return [
        "## First neighbours", "",
        "The scene walk with its defaults, 15 neighbours, 25 x 256 features a video in a file, one "
        "thread; MB beyond what the process had before. *Right* is the share of neighbours of the "
        "same planted kind, of 40 videos each. *All pairs* compares every scene with every other "
        "and walks over the whole graph; beyond 4,096 videos ours walks over parts of it, and "
        "beyond 16,384 videos of three scenes it looks for scenes in 32 cells of faiss.", "",
        *table(heads, rows), "",
    ]  # fmt: skip


def moment_lines(found: Facts) -> list[str]:
    """Return the table of a training's start."""
    rows = [
        [f"{line['videos']:,}", number(line["CPU seconds"]), f"{line['peak MB']:,}"]
        for line in found["measured"]
    ]
    one = found["measured"][0]
    return [
        "## The start of a large training", "",
        f"`train --bits 64 --set optim.epochs=0` on made files of {one['frames']} x {one['dim']} "
        "features: reading and checking every row, moments, PCA whitening, the initial hash layer "
        "with its distillation, and the model's files. FCVID's 45,585 videos are reckoned on the "
        f"line through both: {number(found['reckoned for FCVID, CPU seconds'])} CPU seconds. "
        "Mean features may take 1.2 GB (24,400 videos); of more videos every second, third ... is "
        "taken. Memory is the most that the process had by the system's count.", "",
        *table(["videos", "CPU seconds", "peak MB"], rows), "",
    ]  # fmt: skip


def other_lines(curves: list[Facts], help_: Facts) -> list[str]:
    """Return the table of what depends on no library."""
    rows = [
        [f"curves after {line['epochs']} epochs, 17 metrics", middle(line["CPU seconds"])]
        for line in curves
    ]
    rows.append(["`chainpipe --help`", middle(help_)])
    return ["## Curves and help", "", *table(["what", "CPU seconds"], rows), ""]


def page(found: Facts, reasons: dict[str, str]) -> str:
    """Return the page."""
    heads = ["goal", "limit", "found", "", "why not"]
    days = ", ".join(
        f"{part} {day} (load {load})" for part, (day, load) in found["measured"].items()
    )
    return wrapped([
        "# Costs that grow", "",
        "What takes longer the more videos there are, at sizes 1, 10 and 100. Drawn from "
        "`costs.json`, which `bench_costs.py` makes, by `draw_costs.py`.", "",
        found["about"]["method"], "",
        *table(heads, goal_rows(found["goals"], reasons)), "",
        *search_lines(found["search"]), *file_lines(found["files"]),
        *encode_lines(found["encode"]), *walk_lines(found["walk"]),
        *moment_lines(found["moments"]), *other_lines(found["curves"], found["help"]),
        "## How it was measured", "",
        about_lines(found["about"]), f"Parts, their dates and the load at their start: {days}.",
    ]) + "\n"  # fmt: skip


def main() -> None:
    """Write costs.md beside costs.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the JSON and the page")
    folder = parser.parse_args().out
    found = json.loads((folder / "costs.json").read_text())
    reasons = json.loads((HERE / REASONS).read_text())
    (folder / "costs.md").write_text(page(found, reasons))


if __name__ == "__main__":
    main()
