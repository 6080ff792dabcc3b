"""Measure costs that grow with the library: search, encoding, store writer, training.

Writes costs.json. Each is measured at sizes 1, 10 and 100 times as large, beside a rival where
there is one. Features and codes are drawn, not real: the time depends on their shape only.
`draw_costs.py` draws costs.md from it.
"""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from cost_search import ASKED, files, help_lines, ids, without_torch
from cost_training import FCVID, curves, for_fcvid, moments, walk
from setting import about, arguments, goal, save

PARTS = ("search", "files", "encode", "walk", "moments", "curves", "help")
GROWTH = (1, 10, 100)
WALKED = (500, 5000, 8000, 50_000)  # videos
WHOLE = 8000  # up to which the walk is compared with all pairs
STARTED = (9000, 24_400)  # videos; beyond 8,000 frames are sampled, 24,400 hold most means


def report(asked: Namespace) -> dict[str, Any]:
    """Return the whole JSON: parts that are not asked for as they were."""
    path = asked.out / "costs.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    found |= {"about": about("bench_costs", asked), "threads": 1}
    torch.set_num_threads(1)
    for part in asked.only:
        found[part] = measure(part, quick=asked.quick, repeats=asked.repeats)
    found.setdefault("measured", {}).update(
        {part: [found["about"]["date"], found["about"]["machine"]["load_at_start"]]
         for part in asked.only}
    )  # fmt: skip
    return {**found, "goals": goals(found)}


def measure(part: str, *, quick: bool, repeats: int) -> Any:
    """Measure one part."""
    unit = 100 if quick else 1
    if part == "search":
        return [ids(10_000 // unit * times, repeats) for times in GROWTH]
    if part == "files":
        return files(repeats)
    if part == "encode":
        sizes = (20, 40) if quick else (10, 100, 1000)
        return [without_torch(videos, repeats, dim=64 if quick else 1280) for videos in sizes]
    if part == "walk":
        sizes = (50, 100) if quick else WALKED
        return [walk(videos, rival=videos <= WHOLE) for videos in sizes]
    if part == "moments":
        sizes, frames, dim = ((40, 80), 5, 64) if quick else (STARTED, 25, 4096)
        few, many = (moments(videos, frames=frames, dim=dim) for videos in sizes)
        return {"measured": [few, many], "reckoned for FCVID, CPU seconds": for_fcvid(few, many)}
    if part == "curves":
        return [curves(times, repeats) for times in GROWTH]
    return help_lines(repeats)


def goals(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare what was found with the issue's goals."""
    lines = [
        line
        for part in PARTS
        if part in found
        for line in {"search": _search, "files": _files, "encode": _encode, "walk": _walk,
                     "moments": _moments, "curves": _curves, "help": _help}[part](found[part])
    ]  # fmt: skip
    return [
        goal(name, limit, value, value <= float(limit.split()[1])) for name, limit, value in lines
    ]


Line = tuple[str, str, float]


def _search(found: list[dict[str, Any]]) -> list[Line]:
    most = found[-1]
    cpu, size = most["CPU seconds"], f"{most['videos']:,}"
    return [
        (f"{ASKED} ids in {size} codes, in one process: times raw faiss", "<= 1.3",
         most["ours / raw faiss, in one process"]["median"]),
        (f"{ASKED} ids in {size} codes, as a command: times raw faiss", "<= 1.3",
         most["ours / raw faiss, a command"]["median"]),
        ("one id by Hamming distance, cold: CPU seconds", "<= 0.6",
         cpu["ours, 1 ids, a command"]["median"]),
        (f"opening codes and store of {size}: CPU seconds", "<= 0.23",
         cpu["opening codes and store"]["median"]),
        ("store writer: microseconds a row", "<= 50", most["writer, microseconds a row"]),
    ]  # fmt: skip


def _files(found: dict[str, Any]) -> list[Line]:
    return [
        ("search by a clip of 320x240, 10 s: CPU seconds", "<= 1.2",
         found["CPU seconds"]["320x240"]["median"]),
        ("search by 720p, 10 s, beyond decoding and backbone: CPU seconds", "<= 0.7",
         found["720p: beyond decoding and backbone"]["median"]),
    ]  # fmt: skip


def _encode(found: list[dict[str, Any]]) -> list[Line]:
    most = found[-1]["CPU seconds"]
    share = most["eval with codes"]["median"] / most["eval without codes"]["median"]
    differing = sum(line["bits that differ"] for line in found)
    return [
        ("encoding without torch: bits that differ from torch's", "<= 0", differing),
        ("eval with codes at hand: share of eval without", "<= 1", round(share, 4)),
    ]


def _walk(found: list[dict[str, Any]]) -> list[Line]:
    middle = [line for line in found if line["videos"] <= WHOLE][-1]
    return [
        (f"first neighbours of {middle['videos']:,} videos: CPU seconds", "<= 15",
         middle["CPU seconds"]),
        (f"first neighbours of {found[-1]['videos']:,} videos: MB beyond the frames", "<= 1000",
         found[-1]["MB beyond the frames"]),
    ]  # fmt: skip


def _moments(found: dict[str, Any]) -> list[Line]:
    return [
        (f"training but its epochs, {FCVID['videos']:,} x 25 x 4096, reckoned: CPU seconds",
         "<= 500", found["reckoned for FCVID, CPU seconds"]),
        ("the same, measured at most: MB", "<= 2000",
         max(line["peak MB"] for line in found["measured"])),
    ]  # fmt: skip


def _curves(found: list[dict[str, Any]]) -> list[Line]:
    return [("curves at the end of train: CPU seconds", "<= 1", found[-1]["CPU seconds"]["median"])]


def _help(found: dict[str, Any]) -> list[Line]:
    return [("--help: CPU seconds", "<= 0.3", found["median"])]


def main() -> None:
    """Measure what is asked for and write costs.json."""
    asked = arguments(__doc__ or "", repeats=5, parts=PARTS)
    save(Path(asked.out), "costs", report(asked))


if __name__ == "__main__":
    main()
