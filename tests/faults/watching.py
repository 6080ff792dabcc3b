"""How much memory a decode child and its programs take at most, and how long a video takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from chainpipe.pipeline.decode import DecodeWorker, FrameRequest
from chainpipe.pipeline.records import Frames, Status, VideoError


@dataclass
class Watch:
    """What was seen.

    Attributes:
        seconds: Wall-clock time.
        megabytes: The largest resident memory of one descendant.
    """

    seconds: float = 0.0
    megabytes: float = 0.0


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch this process's descendants; the kernel keeps their peaks, so a few looks do."""
    seen, over = Watch(), threading.Event()

    def look() -> None:
        while not over.wait(0.03):
            for child in psutil.Process().children(recursive=True):
                seen.megabytes = max(seen.megabytes, _peak(child.pid))

    packet_checker = threading.Thread(target=look)
    began = time.monotonic()
    packet_checker.start()
    try:
        yield seen
    finally:
        seen.seconds = time.monotonic() - began
        for child in psutil.Process().children(recursive=True):
            seen.megabytes = max(seen.megabytes, _peak(child.pid))
        over.set()
        packet_checker.join()


def read(worker: DecodeWorker, path: Path, request: FrameRequest) -> Frames | Status:
    """Read a video; return its frames, or the class of failure."""
    try:
        return worker.read(path, request)
    except VideoError as error:
        return error.status


def status_of(found: Frames | Status) -> Status:
    """Return how a read ended."""
    return found if isinstance(found, Status) else found.status


def _peak(pid: int) -> float:
    try:
        if Path(f"/proc/{pid}/cmdline").read_bytes() == Path("/proc/self/cmdline").read_bytes():
            return 0.0  # it was just forked, and its memory is still ours
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    line = next((line for line in text.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1024
