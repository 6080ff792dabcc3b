"""What stands around the figures: command, date, machine, versions, method, goals."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from chainpipe.pipeline.decode import ffmpeg_program
from chainpipe.pipeline.options import available_cpus

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / "build" / "numbers"
METHOD = (
    "CPU seconds, user and system, of the whole process tree: finished processes by wait4 / "
    "RUSAGE_CHILDREN (grandchildren included), living ones by their own CPU clock. Ratios are "
    "taken between measurements of the same round, rounds interleave all methods (A B A B), and "
    "the median over the rounds is given with the smallest and largest."
)
PACKAGES = ("chainpipe", "av", "onnxruntime", "torch", "numpy", "h5py")
RIVALS = ("opencv-python-headless", "torchcodec", "decord")


def arguments(about: str, *, repeats: int, parts: Sequence[str] = ()) -> argparse.Namespace:
    """Read the command line that every benchmark has."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it runs")
    parser.add_argument("--prepare", action="store_true", help="make the videos, measure nothing")
    parser.add_argument("--repeats", type=int, default=repeats, help="rounds")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the JSON")
    if parts:
        words = "measure these parts, keep the others of the JSON"
        parser.add_argument("--only", nargs="+", choices=parts, default=list(parts), help=words)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the made videos")
    asked = parser.parse_args()
    if asked.quick:
        asked.repeats = 1
    asked.out.mkdir(parents=True, exist_ok=True)
    asked.cache.mkdir(parents=True, exist_ok=True)
    return asked


def about(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Return what stands at the head of every JSON: command, date, machine, versions, method."""
    words = [f"python docs/numbers/{name}.py", f"--repeats {asked.repeats}"]
    if "only" in asked:
        words.append(f"--only {' '.join(asked.only)}")
    return {
        "command": " ".join(words + ["--quick"] * asked.quick),
        "quick": asked.quick,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "method": METHOD,
        "repeats": asked.repeats,
    }


def machine() -> dict[str, Any]:
    """Return facts about this machine, none of which names it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": available_cpus(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Return the versions of everything that was measured."""
    import av

    found = {name: _version(name) for name in PACKAGES}
    for name in RIVALS:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    libraries = {name: ".".join(map(str, parts)) for name, parts in av.library_versions.items()}
    found["libavcodec in av"] = libraries.get("libavcodec", "")
    words = subprocess.run([ffmpeg_program(), "-version"], capture_output=True, text=True)
    found["ffmpeg"] = words.stdout.split()[2]
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # a bare checkout
        return "checkout"


def goal(name: str, limit: str, found: float | str | None, reached: bool | None) -> dict[str, Any]:
    """Return one line of a table of goals; ``reached`` is None where nothing was measured."""
    return {"goal": name, "limit": limit, "found": found, "reached": reached}


def save(folder: Path, name: str, facts: dict[str, Any]) -> None:
    """Write a JSON and say so."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps({"written": path.name, "goals": facts.get("goals", [])}))
