"""Measure searches beside raw faiss: batches, commands from the shell, a clip as the query.

Writes search.json. Codes and features are drawn, not real: the time depends on their shape only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from cost_library import content, library
from cost_search import RAW, draw
from measure import measured, run_command, spread
from setting import about, arguments, goal, save

from chainpipe.hashing.retrieval.backends import make_index
from chainpipe.hashing.retrieval.index import NumpyFlat

PARTS = ("batches", "shell", "file")
BITS, TOP, K, IDS = 64, 100, 10, 100
SIZES = (1_000_000, 10_000_000)


def batches(videos: int, queries: int, repeats: int) -> dict[str, Any]:
    """Search a batch in random codes by faiss alone and by our index, in the same rounds."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (videos, BITS // 8), dtype=np.uint8)
    asked = codes[:: max(1, videos // queries)][:queries].copy()
    faiss.omp_set_num_threads(1)
    raw = faiss.IndexBinaryFlat(BITS)
    raw.add(codes)
    ours = make_index(codes, BITS, queries=queries)
    ours.search(asked[:8], TOP)
    theirs_spent, ours_spent = [], []
    for _ in range(repeats):
        with measured() as spent:
            raw.search(asked, TOP)
        theirs_spent.append(spent.cpu)
        with measured() as spent:
            found = ours.search(asked, TOP)
        ours_spent.append(spent.cpu)
    few = NumpyFlat(codes, BITS).search(asked[:5], TOP)
    same = bool((few.rows == found.rows[:5]).all() and (few.distances == found.distances[:5]).all())
    ratios = [a / b for a, b in zip(theirs_spent, ours_spent, strict=True)]
    return {
        "videos": videos, "queries": len(asked), "top": TOP, "as numpy": same,
        "raw faiss, CPU seconds": spread(theirs_spent), "ours, CPU seconds": spread(ours_spent),
        "queries a second, as many as raw faiss": spread(ratios),
    }  # fmt: skip


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which modules are compiled once, as they are where installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def shell(videos: int, repeats: int, cache: Path) -> dict[str, Any]:
    """Run searches by id as commands, beside a Python program of six lines with faiss alone."""
    texts = [content(row).hex() for row in range(IDS)]
    found: dict[str, list[float]] = {}
    folder = cache / f"library-{videos}"
    if not (folder / "m" / "codes.npz").exists():
        folder.mkdir(exist_ok=True)
        library(folder, videos)
    with tempfile.TemporaryDirectory() as name:
        env = environment(Path(name))
        verb = [sys.executable, "-m", "chainpipe", "search", "--model", str(folder / "m")]
        for turn in range(repeats + 1):
            for count in (1, IDS):
                codes = str(folder / "m" / "codes.npz")
                commands = {
                    "ours": [*verb, "--distance", "hamming", "--json", *texts[:count]],
                    "raw faiss": [sys.executable, "-c", RAW, codes, str(count), str(K)],
                }
                for who, command in commands.items():
                    ended = run_command(command, folder=Path(name), env=env)
                    if ended.code:
                        raise RuntimeError(ended.stderr)
                    if turn:  # the first compiles
                        found.setdefault(f"{who}, {count} ids", []).append(ended.cpu)
    pairs = zip(found[f"ours, {IDS} ids"], found[f"raw faiss, {IDS} ids"], strict=True)
    return {
        "videos": videos, "bits": BITS, "k": K,
        "CPU seconds, cold": {name: spread(values) for name, values in found.items()},
        "command with 100 ids, times raw faiss": spread([a / b for a, b in pairs]),
    }  # fmt: skip


def clip(repeats: int) -> dict[str, Any]:
    """Search by a new clip of 320x240, 10 s, in a library of ten such clips: re-ranked, checked."""
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "videos").mkdir()
        for number in range(11):
            draw(folder / ("asked.mp4" if number == 10 else f"videos/{number}.mp4"), number)
        run, env = [sys.executable, "-m", "chainpipe"], environment(folder)
        for words in (
            ["extract", "videos", "--out", "f.h5"],
            ["train", "f.h5", "--method", "pca-itq", "--bits", "64", "--out", "m"],
            ["encode", "--model", "m"],
            ["search", "asked.mp4", "--model", "m"],  # looks at the library once
        ):
            subprocess.run([*run, *words], cwd=folder, env=env, check=True, capture_output=True)
        for _ in range(repeats):
            for distance in ("rerank", "hamming"):
                model = ["--model", str(folder / "m"), "--distance", distance]
                asked = ["search", str(folder / "asked.mp4"), *model]
                ended = run_command([*run, *asked], folder=folder, env=env)
                if ended.code:
                    raise RuntimeError(ended.stderr)
                spent.setdefault(distance, []).append(ended.cpu)
    return {name: spread(values) for name, values in spent.items()}


def report(asked: Namespace) -> dict[str, Any]:
    """Return the whole JSON."""
    path = asked.out / "search.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"about": {}}
    found["about"] |= {part: about("bench_search", asked) for part in asked.only}
    unit = 1000 if asked.quick else 1
    if "batches" in asked.only:
        plans = [(size // unit, 1000 if size < 5_000_000 else 200) for size in SIZES]
        found["batches"] = [batches(*plan, asked.repeats) for plan in plans]
    if "shell" in asked.only:
        found["shell"] = shell(SIZES[0] // unit, asked.repeats, asked.cache)
    if "file" in asked.only:
        found["file"] = clip(asked.repeats)
    return {**found, "goals": goals(found)}


def goals(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare what was found with the issue's goals."""
    lines = []
    for one in found.get("batches", ()):
        ratio = one["queries a second, as many as raw faiss"]["median"]
        name = f"batch of {one['queries']} in {one['videos']:,} codes, top {TOP}: x raw faiss"
        lines.append(goal(name, ">= 0.95", ratio, ratio >= 0.95))
    if "shell" in found:
        one = found["shell"]["CPU seconds, cold"]["ours, 1 ids"]["median"]
        many = found["shell"]["command with 100 ids, times raw faiss"]["median"]
        lines += [
            goal("one id from the shell, cold: CPU seconds", "<= 0.6", one, one <= 0.6),
            goal("100 ids from the shell, cold: times raw faiss", "<= 1.3", many, many <= 1.3),
        ]
    if "file" in found:
        cpu = found["file"]["rerank"]["median"]
        lines.append(goal("a clip of 320x240, 10 s: CPU seconds", "<= 1.2", cpu, cpu <= 1.2))
    return lines


def main() -> None:
    """Measure everything and write search.json."""
    asked = arguments(__doc__ or "", repeats=5, parts=PARTS)
    save(Path(asked.out), "search", report(asked))


if __name__ == "__main__":
    main()
