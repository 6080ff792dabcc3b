"""The figures of stage one, drawn from measured facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from page import number

Facts = dict[str, Any]
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
            axes.scatter(x, y, size, colour, marker=marker, label=name, zorder=3)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    ticks = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_yticks(range(len(files)), [file["name"] for file in files])
    axes.invert_yaxis()
    axes.grid(axis="both", color="#dddddd", zorder=0)
    axes.set_xlabel("CPU seconds as a share of ffmpeg decoding everything, log scale")
    shape = f"{found['asked']['frames']} frames of {found['asked']['size']} pixels"
    axes.set_title(f"Cost of {shape} of one file; median of interleaved rounds, one thread")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def backbone_figure(found: Facts) -> Figure:
    """Draw the frames a CPU-second of the backbone and of eager torch."""
    figure, axes = plt.subplots(figsize=(9, 2.6), dpi=110)
    rates = {name: way["frames a CPU-second"] for name, way in found["methods"].items()}
    colours = [ORANGE if name.startswith("chainpipe") else BLUE for name in rates]
    _bars(axes, {name: rate["median"] for name, rate in rates.items()}, colours)
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
    axes.set_title(
        f"Decoding {shared['plain']['videos']} clips for further frames, views, backbones"
    )


def _draw_memory(axes: Axes, memory: list[Facts]) -> None:
    _bars(axes, {f"{run['videos']:,} videos": run["peak_mb"] for run in memory}, BLUE)
    axes.set_xlabel("largest memory of the process tree, two workers, MB (limit 1,500)")
    axes.set_title("Memory and the number of videos")


def _bars(axes: Axes, found: dict[str, float], colour: str | list[str]) -> None:
    """Draw horizontal bars from the top, the value at the end of each."""
    bars = axes.barh(list(found), list(found.values()), color=colour)
    axes.bar_label(bars, labels=[number(value) for value in found.values()], padding=4)
    axes.margins(x=0.12)
    axes.invert_yaxis()
