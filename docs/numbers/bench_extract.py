"""Measure whole extractions: overhead, two workers, memory, shared decodes, additions.

Writes extract.json. `chainpipe extract` runs as a process of its own; what decoding alone and the
backbone alone take is measured here on the same files, between the extractions.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clips import Videos, make_clip_model, videos, write_list
from command import Extraction, NotAvailableError, extract
from measure import measured, spread
from setting import about, arguments, goal, save

from chainpipe.pipeline.backbones import build_backbone
from chainpipe.pipeline.decode import DecodeWorker, FrameRequest

# As many plain runs would decode what one run with the option does.
SEPARATE = {"--per-segment 3": 3, "--views 2": 3, "two backbones": 2}
ONCE = 0.75
PARTS = ("whole", "shared", "adding", "memory")
OVERHEAD, BUSY, WALL, MEMORY, FLAT = 1.10, 0.90, 0.60, 1500, 1.10
FRAMES, SEGMENT, VIEWS = 25, 3, 2
ADDED = 10


def alone(paths: Sequence[Path]) -> dict[str, float]:
    """Measure decoding alone and the backbone alone, file by file, without any start-up."""
    network = build_backbone("cnn", device="cpu", threads=1)
    decode = embed = 0.0
    with DecodeWorker() as worker:
        request = FrameRequest(FRAMES)
        network.embed(worker.read(paths[0], request).pixels)
        for path in paths:
            with measured() as spent:
                frames = worker.read(path, request)
            decode += spent.cpu
            with measured() as spent:
                network.embed(frames.pixels)
            embed += spent.cpu
    return {"decode_cpu": decode, "backbone_cpu": embed}


def start_up(tiny: Sequence[Path], folder: Path, *, repeats: int) -> list[Extraction]:
    """Measure extractions of one video of one frame."""
    source = write_list(tiny[0].parents[1] / "one.csv", tiny[:1])
    return [extract(source, [folder / "one.h5"], "--workers", "1") for _ in range(repeats)]


def whole(
    paths: Sequence[Path], folder: Path, starts: Sequence[Extraction], *, repeats: int
) -> dict[str, Any]:
    """Measure extractions with one and with two workers, between them each part alone."""
    source = paths[0].parent
    one, two, apart = [], [], []
    half = (len(paths) + 1) // 2
    for _ in range(repeats):
        two.append(extract(source, [folder / "two.h5"], "--workers", "2"))
        first = alone(paths[:half])
        one.append(extract(source, [folder / "one.h5"], "--workers", "1"))
        second = alone(paths[half:])
        apart.append({name: round(first[name] + second[name], 3) for name in first})
    cpu, wall = _medians(starts)
    parts = statistics.median(part["decode_cpu"] + part["backbone_cpu"] for part in apart)
    both = [*one, *two]
    return {
        "videos": len(paths),
        "one worker": [run.facts() for run in one],
        "two workers": [run.facts() for run in two],
        "alone": apart,
        "start-up": {"cpu": round(cpu, 3), "wall": round(wall, 3)},
        "overhead": spread([(run.cpu - cpu) / parts for run in both]),
        "overhead with start-up": spread([run.cpu / parts for run in both]),
        "busy": spread([run.cpu / run.wall / 2 for run in two]),
        "busy after start-up": spread([(r.cpu - cpu) / (r.wall - wall) / 2 for r in two]),
        "wall ratio": spread([b.wall / a.wall for a, b in zip(one, two, strict=True)]),
    }


def _medians(runs: Sequence[Extraction]) -> tuple[float, float]:
    return statistics.median(r.cpu for r in runs), statistics.median(r.wall for r in runs)


def memory(tiny: Sequence[Path], folder: Path, counts: Sequence[int]) -> list[dict[str, Any]]:
    """Measure the peak memory of two workers for several numbers of videos."""
    found = []
    for count in counts:
        source = write_list(tiny[0].parents[1] / f"{count}.csv", tiny[:count])
        run = extract(source, [folder / "memory.h5"], "--workers", "2", every=0.1)
        found.append(run.facts())
    return found


def adding(tiny: Sequence[Path], clips: Sequence[Path], folder: Path, count: int) -> dict[str, Any]:
    """Measure adding some videos to a finished store, against extracting just those."""
    lists = tiny[0].parents[1]
    new = clips[:ADDED]
    before = write_list(lists / "before.csv", tiny[:count])
    after = write_list(lists / "after.csv", [*tiny[:count], *new])
    only = write_list(lists / "only.csv", new)
    store = folder / "grown.h5"
    extract(before, [store], "--workers", "2")
    with measured() as copying:
        shutil.copyfile(store, folder / "copy.h5")
    fresh = extract(only, [folder / "fresh.h5"], "--workers", "2")
    grown = extract(after, [store], "--workers", "2", keep=True)
    again = extract(after, [store], "--workers", "2", keep=True)
    return {
        "old": count, "new": len(new), "decoded": grown.rows,
        "adding": grown.facts(), "new alone": fresh.facts(), "nothing to do": again.facts(),
        "copy_cpu": round(copying.cpu, 4),
        "ratio": round(grown.cpu / (fresh.cpu + copying.cpu), 3),
    }  # fmt: skip


def shared(clips: Sequence[Path], cache: Path, folder: Path) -> dict[str, Any]:
    """Measure what further frames, views and a second backbone cost on top of one decode."""
    source = write_list(clips[0].parents[1] / "shared.csv", clips)
    second = make_clip_model(cache / "clip")
    one, two = folder / "a.h5", folder / "b.h5"
    asked: dict[str, tuple[list[Path], list[str]]] = {
        "plain": ([one], []),
        f"--per-segment {SEGMENT}": ([one], ["--per-segment", str(SEGMENT)]),
        f"--views {VIEWS}": ([one], ["--views", str(VIEWS)]),
        "second backbone alone": ([two], ["--backbone", second]),
        "two backbones": ([one, two], ["--backbone", "cnn", "--backbone", second]),
    }
    return {
        name: _or_not_available(source, outs, options) for name, (outs, options) in asked.items()
    }


def _or_not_available(source: Path, outs: list[Path], options: list[str]) -> dict[str, Any]:
    try:
        return {"available": True, **extract(source, outs, "--workers", "2", *options).facts()}
    except NotAvailableError:
        return {"available": False}


def goals(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare what was found with the issue's goals."""
    lines = _whole_goals(found["whole"]) if "whole" in found else []
    if "memory" in found:
        lines += _memory_goals(found["memory"])
    return lines + (_shared_goals(found["shared"]) if "shared" in found else [])


def _whole_goals(whole: dict[str, Any]) -> list[dict[str, Any]]:
    over, busy, wall = (whole[name]["median"] for name in ("overhead", "busy", "wall ratio"))
    most = max(run["peak_mb"] for run in whole["two workers"])
    return [
        goal("total CPU / (decode + backbone)", f"<= {OVERHEAD:.2f}", over, over <= OVERHEAD),
        goal("share of two cores busy", f">= {BUSY:.2f}", busy, busy >= BUSY),
        goal("wall of two workers / of one", f"<= {WALL:.2f}", wall, wall <= WALL),
        goal(f"memory at {whole['videos']} videos, MB", f"<= {MEMORY}", most, most <= MEMORY),
    ]


def _memory_goals(memory: list[dict[str, Any]]) -> list[dict[str, Any]]:
    few, many = memory[0], memory[-1]
    most, growth = many["peak_mb"], round(many["peak_mb"] / few["peak_mb"], 3)
    names = f"memory at {many['videos']} videos", f"at {few['videos']}"
    return [
        goal(f"{names[0]}, MB", f"<= {MEMORY}", most, most <= MEMORY),
        goal(f"{names[0]} / {names[1]}", f"<= {FLAT:.2f}", growth, growth <= FLAT),
    ]


def _shared_goals(shared: dict[str, Any]) -> list[dict[str, Any]]:
    """One decode serves all; drawing views happens in the decode child and counts as decoding."""
    lines, plain = [], shared["plain"]["decode_cpu"]
    for name, runs in SEPARATE.items():
        run = shared[name]
        ratio = round(run["decode_cpu"] / plain / runs, 3) if run["available"] else None
        reached = None if ratio is None else ratio <= ONCE
        what = f"decode CPU with {name} / {runs} x plain"
        lines.append(goal(what, f"<= {ONCE:.2f}", ratio, reached))
    return lines


def report(asked: argparse.Namespace, made: Videos) -> dict[str, Any]:
    """Return the whole JSON, parts that are not asked as they were."""
    head, found = about("bench_extract", asked), before(asked)
    clips, tiny = made.clips, made.tiny
    with tempfile.TemporaryDirectory(dir=asked.cache) as name:
        stores = Path(name)
        measures: dict[str, Callable[[], Any]] = {
            "whole": lambda: whole(
                clips, stores, start_up(tiny, stores, repeats=3), repeats=asked.repeats
            ),
            "shared": lambda: shared(clips[:20], asked.cache, stores),
            "adding": lambda: adding(tiny, clips, stores, made.old),
            "memory": lambda: memory(tiny, stores, made.counts),
        }
        for part in asked.only:
            print(f"measuring {part}", flush=True)
            found[part] = measures[part]()
            found["measured"] = found.get("measured", {}) | {part: head["date"]}
    return found | {"about": head, "goals": goals(found)}


def before(asked: argparse.Namespace) -> dict[str, Any]:
    """Return what an earlier run found, where only parts are asked."""
    path = asked.out / "extract.json"
    if set(asked.only) == set(PARTS) or not path.exists():
        return {"frames": FRAMES}
    earlier: dict[str, Any] = json.loads(path.read_text())
    return earlier


def main() -> None:
    """Measure everything and write extract.json."""
    asked = arguments(__doc__ or "", repeats=1, parts=PARTS)
    made = videos(asked.cache, quick=asked.quick)
    if not asked.prepare:
        save(asked.out, "extract", report(asked, made))


if __name__ == "__main__":
    main()
