"""Reckon a run of ten million videos from what was measured: shards, bytes, hours.

Reads decode.json, backbone.json and extract.json, writes ten-million.md.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from page import about_lines, number, table, wrapped

HERE = Path(__file__).parent
VIDEOS, FRAMES, DIM, HALF = 10_000_000, 25, 1280, 2
SEGMENT, VIEWS = 3, 2
CORES = 16
MACHINES = (1, 10, 100)
GPU_FRAMES = 3_000  # a second, of one card: assumed, not measured
MIXES = {
    "240p, 10 s": "H.264 240p 10 s.mp4",
    "720p, 60 s": "H.264 720p 60 s, GOP 250.mp4",
    "1080p, 5 min": "H.264 1080p 300 s.mp4",
}
EXACT, OURS = "chainpipe", "chainpipe cnn"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one video of a mix costs.

    Attributes:
        decode: CPU seconds.
        backbone: CPU seconds.
        overhead: Both are multiplied by it.
        busy: Share of the cores that is at work.
    """

    decode: float
    backbone: float
    overhead: float
    busy: float

    def cpu_hours(self, *, gpu: bool = False) -> float:
        """Return CPU hours of all videos; with a GPU they decode only."""
        seconds = self.decode if gpu else self.decode + self.backbone
        return VIDEOS * seconds * self.overhead / 3600

    def hours(self, machines: int, *, gpu: bool = False) -> float:
        """Return hours on the clock; with a GPU in each machine the slower of both counts."""
        hours = self.cpu_hours(gpu=gpu) / (machines * CORES * self.busy)
        card = VIDEOS * FRAMES / GPU_FRAMES / machines / 3600
        return max(hours, card) if gpu else hours


def row_bytes(*, per_segment: int = 0, views: int = 0) -> int:
    """Return the bytes of one video's features, float16.

    >>> row_bytes()
    64000
    >>> row_bytes(per_segment=3)
    256000
    >>> row_bytes(views=2)
    192000
    """
    return FRAMES * DIM * HALF * (1 + per_segment + views)


def costs(
    decode: dict[str, Any], backbone: dict[str, Any], whole: dict[str, Any]
) -> dict[str, Cost]:
    """Return what a video of each mix costs, where its file was measured."""
    files = {file["name"]: file["methods"][EXACT] for file in decode["files"]}
    rate = backbone["methods"][OURS]["frames a CPU-second"]["median"]
    over, busy = whole["overhead"]["median"], whole["busy after start-up"]["median"]
    return {
        mix: Cost(files[file]["cpu"]["median"], FRAMES / rate, max(1.0, over), min(1.0, busy))
        for mix, file in MIXES.items()
        if file in files
    }


def stored(memory: dict[str, Any]) -> list[list[str]]:
    """Return lines of the table of bytes, from the extraction of the most videos."""
    rows = memory["videos"]
    beside = memory["bytes"] / rows - row_bytes()
    per_shard = rows / max(1, memory["shards"])
    journal = memory["journal_bytes"] / rows
    kinds = {
        "25 frames": row_bytes(),
        f"and `--per-segment {SEGMENT}`": row_bytes(per_segment=SEGMENT),
        f"and `--views {VIEWS}`": row_bytes(views=VIEWS),
        "and both": row_bytes(per_segment=SEGMENT, views=VIEWS),
    }
    lines = [
        [name, number(size / 1e3), number(VIDEOS * (size + beside) / 1e12)]
        for name, size in kinds.items()
    ]
    return [
        *lines,
        ["everything beside the features", number(beside / 1e3), number(VIDEOS * beside / 1e12)],
        ["journal", number(journal / 1e3), number(VIDEOS * journal / 1e12)],
        [f"shards of {per_shard:.0f} videos", "", f"{VIDEOS / per_shard:,.0f} files"],
    ]


def hours(found: dict[str, Cost], *, gpu: bool) -> list[list[str]]:
    """Return lines of the table of hours."""
    return [
        [
            name,
            number(cost.decode),
            "on the card" if gpu else number(cost.backbone),
            f"{cost.cpu_hours(gpu=gpu):,.0f}",
            *(number(cost.hours(machines, gpu=gpu)) for machines in MACHINES),
        ]
        for name, cost in found.items()
    ]


def page(decode: dict[str, Any], backbone: dict[str, Any], extract: dict[str, Any]) -> str:
    """Return the page."""
    whole, memory = extract["whole"], extract["memory"][-1]
    found = costs(decode, backbone, whole)
    few, many = extract["memory"][0], extract["memory"][-1]
    each = (many["peak_mb"] - few["peak_mb"]) * 1e3 / (many["videos"] - few["videos"])
    heads = ["videos", "decode, CPU s", "backbone, CPU s", "CPU hours"]
    heads += [f"hours on {count}" for count in MACHINES]
    over, busy = whole["overhead"]["median"], whole["busy after start-up"]["median"]
    lines = [
        "# Ten million videos, on paper", "",
        "Nobody ran this. It is arithmetic (`ten_million.py`) on measured figures: CPU seconds of",
        "`decode.json`, frames a CPU-second of `backbone.json`, overhead, busy share and bytes of",
        "`extract.json`. " + about_lines(extract["about"]), "",
        "## Bytes", "",
        f"Measured on a store of {memory['videos']:,} videos; features are float16,"
        f" {FRAMES} x {DIM}.", "",
        *table(["what", "kB a video", "TB in all"], stored(memory)), "",
        "One store of this size is one file of that many terabytes; making it copies every shard",
        "once, so for a while twice the space is needed. The coordinating process holds every",
        f"video's path, id and place, {each:,.1f} kB a video as measured: ten lists of a million",
        f"videos ({each:,.1f} GB of memory each) are better than one list of ten. Shards are",
        "those of one machine; a unit for other machines holds `--unit-videos` of them.", "",
        "## Hours on CPUs", "",
        f"Hours on 1, 10 and 100 machines of {CORES} cores like the measured one. A core does",
        f"what the measured one did (busy {busy:.0%}, overhead {over:.2f}). That {CORES} workers",
        "on one machine reach this too, and that the disks keep up, was not measured.",
        "", *table(heads, hours(found, gpu=False)), "",
        "## Hours with a GPU in each machine", "",
        f"**An assumption, to be measured**: the card embeds {GPU_FRAMES:,} frames a second and",
        f"the {CORES} cores only decode. The slower of both decides.", "",
        *table(heads, hours(found, gpu=True)), "",
    ]  # fmt: skip
    return wrapped(lines)


def main() -> None:
    """Write the page from the JSONs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of JSONs and page")
    out = parser.parse_args().out
    names = ("decode", "backbone", "extract")
    decode, backbone, extract = (json.loads((out / f"{n}.json").read_text()) for n in names)
    (out / "ten-million.md").write_text(page(decode, backbone, extract))
    print(json.dumps({"written": "ten-million.md"}))


if __name__ == "__main__":
    main()
