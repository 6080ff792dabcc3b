"""How the numbers are measured: CPU seconds of a whole process tree, and what stood around them."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from pipeline.crew import cores
from pipeline.decode import ffmpeg_program

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / "build" / "numbers"
METHOD = (
    "CPU seconds, user and system, of the whole process tree: finished processes by wait4 / "
    "RUSAGE_CHILDREN (grandchildren included), living ones by their own CPU clock. Ratios are "
    "taken between measurements of the same round, rounds interleave all methods (A B A B), and "
    "the median over the rounds is given with the smallest and largest."
)
PACKAGES = ("chainpipe", "av", "onnxruntime", "torch", "numpy", "h5py")


@dataclass(slots=True)
class Spent:
    """What a piece of work took.

    Attributes:
        cpu: CPU seconds of this process and all its descendants.
        wall: Seconds on the clock.
    """

    cpu: float = 0.0
    wall: float = 0.0


@contextlib.contextmanager
def measured() -> Iterator[Spent]:
    """Measure what the body takes in this process and in all its descendants."""
    spent = Spent()
    living, own, start = _living(), _own(), time.monotonic()
    try:
        yield spent
    finally:
        spent.wall = time.monotonic() - start
        spent.cpu = _own() - own  # before the descendants are listed, which costs something
        spent.cpu += _living() - living


def _own() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _living() -> float:
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            times = child.cpu_times()  # of its ended children in ticks of 10 ms
            clock = (~child.pid << 3) | 2  # the kernel's name for a process's CPU clock
            total += time.clock_gettime(clock) + times.children_user + times.children_system
    return total


@dataclass(frozen=True, slots=True)
class Ended:
    """How a measured command ended.

    Attributes:
        code: Exit code.
        cpu: CPU seconds of its whole process tree.
        wall: Seconds on the clock.
        peak_bytes: Largest sum of proportional memory of the tree seen.
        stdout: What it printed.
        stderr: Its last words.
    """

    code: int
    cpu: float
    wall: float
    peak_bytes: int
    stdout: str
    stderr: str


def run_command(
    command: Sequence[str],
    *,
    folder: Path,
    env: dict[str, str] | None = None,
    every: float = 0.25,
    look: Callable[[], None] = lambda: None,
) -> Ended:
    """Run a command, measure its process tree by wait4 and sample the tree's memory.

    Args:
        command: The program and its arguments.
        folder: Where its output is kept.
        env: Its environment, this process's by default.
        every: Seconds between two looks at its memory.
        look: Called at each of them.
    """
    with open(folder / "stdout", "w+b") as out, open(folder / "stderr", "w+b") as err:
        start = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env
        )
        watch = _MemoryWatch(process.pid, every, look)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = watch.stop()
        out.seek(0)
        err.seek(0)
        texts = [file.read().decode(errors="replace") for file in (out, err)]
    cpu = usage.ru_utime + usage.ru_stime
    return Ended(process.returncode, cpu, wall, peak, texts[0], texts[1][-2000:])


class _MemoryWatch:
    """Samples the memory of a process tree in a thread."""

    def __init__(self, pid: int, every: float, look: Callable[[], None]) -> None:
        self._pid, self._every, self._look, self._peak = pid, every, look, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Return the largest sum seen, bytes."""
        self._stop.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._stop.wait(self._every):
            self._look()
            with contextlib.suppress(psutil.Error):
                root = psutil.Process(self._pid)
                tree = [root, *root.children(recursive=True)]
                self._peak = max(self._peak, sum(_pss(process) for process in tree))


def _pss(process: psutil.Process) -> int:
    """Return a process's memory, pages shared with others by their share."""
    with contextlib.suppress(psutil.Error):
        return int(process.memory_full_info().pss)
    return 0


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Return median, smallest, largest and count, rounded for reading.

    >>> spread([1.0, 3.0, 2.0])
    {'median': 2.0, 'min': 1.0, 'max': 3.0, 'times': 3}
    """
    low, high = round(min(values), 4), round(max(values), 4)
    return {
        "median": round(statistics.median(values), 4),
        "min": low,
        "max": high,
        "times": len(values),
    }


def arguments(about: str, *, repeats: int, parts: Sequence[str] = ()) -> argparse.Namespace:
    """Read the command line that every benchmark has."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it runs")
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
        "cores": cores(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Return the versions of everything that was measured."""
    import av

    found = {name: _version(name) for name in PACKAGES}
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
