"""CPU seconds, time on the clock and memory of a whole process tree."""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


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
        largest_bytes: Most memory that one of its processes ever had, by the system's count.
        stdout: What it printed.
        stderr: Its last words.
    """

    code: int
    cpu: float
    wall: float
    peak_bytes: int
    largest_bytes: int
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
    largest = 1024 * usage.ru_maxrss
    return Ended(process.returncode, cpu, wall, peak, largest, texts[0], texts[1][-2000:])


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
