"""Draw the figures and write stage-one.md from the committed JSONs: nothing is measured here."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from page import about_lines, goal_rows, middle, number, table

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parent
REASONS = "reasons.json"  # by hand: why a goal is not reached
EXACT, KEYFRAME = "chainpipe", "chainpipe --sampling keyframe"
# Okabe and Ito's colours, which colour-blind readers can tell apart; a marker each besides.
LOOKS = {
    EXACT: ("#D55E00", "o"),
    KEYFRAME: ("#E69F00", "D"),
    "chainpipe, linear reader": ("#CC79A7", "s"),
    "chainpipe, ffmpeg reader": ("#F0E442", "P"),
    "ffmpeg -ss, a process a frame": ("#000000", "x"),
    "PyAV, decode all": ("#0072B2", "v"),
    "PyAV, seek every frame": ("#56B4E9", "^"),
    "cv2": ("#009E73", "<"),
    "torchcodec": ("#009E73", ">"),
    "decord": ("#009E73", "*"),
}
BLUE, ORANGE, GREY, GREEN = "#0072B2", "#D55E00", "#999999", "#009E73"
Facts = dict[str, Any]


def decode_figure(found: Facts) -> Figure:
    """Draw each method's cost on each file as a share of decoding everything."""
    files = found["files"]
    figure, axes = plt.subplots(figsize=(11, 1.8 + 0.36 * len(files)), dpi=110)
    for name, (colour, marker) in LOOKS.items():
        points = [
            (file["methods"][name]["ratio"]["median"], row)
            for row, file in enumerate(files)
            if "ratio" in file["methods"].get(name, {})
        ]
        if points:
            x, y = zip(*points, strict=True)
            size = 75 if name == EXACT else 38
            axes.scatter(x, y, size, colour, marker, label=name, zorder=3, linewidths=1.2)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    ticks = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks(range(len(files)), [file["name"] for file in files])
    axes.invert_yaxis()
    axes.grid(axis="both", color="#dddddd", zorder=0)
    axes.set_xlabel(
        "CPU seconds as a share of ffmpeg decoding everything (log scale; less is less)"
    )
    shape = f"{found['asked']['frames']} frames of {found['asked']['size']} pixels"
    axes.set_title(f"Cost of {shape} of one file; median of interleaved rounds, one thread")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def backbone_figure(found: Facts) -> Figure:
    """Draw the frames a CPU-second of the backbone and of eager torch."""
    figure, axes = plt.subplots(figsize=(9, 2.6), dpi=110)
    rates = {name: way["frames a CPU-second"] for name, way in found["methods"].items()}
    _bars(axes, {name: rate["median"] for name, rate in rates.items()}, ORANGE)
    lows = [[rate["median"] - rate["min"] for rate in rates.values()]]
    highs = [[rate["max"] - rate["median"] for rate in rates.values()]]
    middles = [rate["median"] for rate in rates.values()]
    axes.errorbar(middles, range(len(rates)), xerr=lows + highs, fmt="none", ecolor="black")
    axes.set_xlabel("frames a CPU-second, one thread (more is better; lines: all rounds)")
    axes.set_title(f"EfficientNet-Lite0 on {found['frames']} real frames of 224 pixels")
    return figure


def extract_figure(found: Facts) -> Figure:
    """Draw where an extraction's CPU time goes, its memory, and what one decode serves."""
    draws: dict[str, Callable[[Axes, Any], None]] = {
        "whole": _draw_whole, "shared": _draw_shared, "memory": _draw_memory
    }  # fmt: skip
    parts = [name for name in draws if name in found]
    figure, axes = plt.subplots(len(parts), 1, figsize=(9, 2.5 * len(parts)), dpi=110)
    for axis, name in zip([axes] if len(parts) == 1 else axes, parts, strict=True):
        draws[name](axis, found[name])
    return figure


def _draw_whole(axes: Axes, whole: Facts) -> None:
    part = whole["alone"][0]
    start = whole["start-up"]["cpu"]
    axes.barh("parts alone", part["decode_cpu"], color=BLUE, label="decode alone")
    left = part["decode_cpu"]
    axes.barh("parts alone", part["backbone_cpu"], left=left, color=GREEN, label="backbone alone")
    for workers in ("one worker", "two workers"):
        rest = whole[workers][0]["cpu"] - start
        axes.barh(workers, rest, color=ORANGE, label="extract" if workers[0] == "o" else None)
        words = "start-up" if workers[0] == "o" else None
        axes.barh(workers, start, left=rest, color=GREY, label=words)
    axes.invert_yaxis()
    axes.set_xlabel("CPU seconds of the whole process tree")
    axes.set_title(f"Extracting {whole['videos']} clips of 5 to 10 s, 240p to 480p")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))


def _draw_shared(axes: Axes, shared: Facts) -> None:
    runs = {name: run["decode_cpu"] for name, run in shared.items() if run["available"]}
    _bars(axes, runs, BLUE)
    axes.set_xlabel("CPU seconds of the decoding processes")
    axes.set_title("One decode serves further frames, views and backbones")


def _draw_memory(axes: Axes, memory: list[Facts]) -> None:
    _bars(axes, {f"{run['videos']:,} videos": run["peak_mb"] for run in memory}, BLUE)
    axes.set_xlabel("largest memory of the process tree, two workers, MB (limit 1,500)")
    axes.set_title("Memory and the number of videos")


def _bars(axes: Axes, found: dict[str, float], colour: str) -> None:
    """Draw horizontal bars from the top, the value at the end of each."""
    bars = axes.barh(list(found), list(found.values()), color=colour)
    axes.bar_label(bars, labels=[number(value) for value in found.values()], padding=4)
    axes.margins(x=0.12)
    axes.invert_yaxis()


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
        plt.close(figure)
        if len(lines) == 2:
            lines += [found["about"]["method"], ""]
        lines += section(name, found, reasons)
    (out / "stage-one.md").write_text("\n".join(lines))
    print(json.dumps({"written": "stage-one.md"}))


if __name__ == "__main__":
    main()
