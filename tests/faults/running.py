"""Extractions in processes of their own: start, watch, hurt, and look at what is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from chainpipe.pipeline.store import open_store, parts_of

ROOT = Path(__file__).parents[2]


class Extraction:
    """A running extraction of ``videos`` into ``out``.

    Args:
        videos: Folder of videos.
        out: The store.
        pause: Seconds that the backbone takes for a video.
        workers: Videos at a time.
    """

    def __init__(self, videos: Path, out: Path, *, pause: float = 0.0, workers: int = 2) -> None:
        self.out, self.log, self.words = out, log_of(out), ""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        words = [videos, out, self.log, pause, workers]
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.runner", *map(str, words)],
            cwd=ROOT, env=os.environ | one, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def begin(self) -> None:
        """Wait until everything is loaded, then let it begin."""
        assert self.process.stdout
        assert self.process.stdin
        assert self.process.stdout.readline() == b"ready\n"
        self.process.stdin.close()
        self.process.stdin = None

    def finish(self) -> int:
        """Let it run to its end; return its exit code."""
        if self.process.stdin:
            self.begin()
        if self.process.returncode is None:
            _, errors = self.process.communicate(timeout=60)
            self.words = errors.decode()
        return self.process.returncode

    def wait_for(self, videos: int) -> bool:
        """Wait until so many more videos are embedded; tell whether it still runs."""
        end = lines(self.log) + 3 * videos
        while self.process.poll() is None and lines(self.log) < end:
            time.sleep(0.002)
        return self.process.poll() is None

    def children(self) -> list[psutil.Process]:
        """Return its living descendants."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


def log_of(out: Path) -> Path:
    """Return where extractions of ``out`` keep their log, out of its folder's way."""
    return out.parent.parent / "logs" / f"{out.parent.name}.log"


def lines(log: Path) -> int:
    """Return how many frames were embedded."""
    return log.read_bytes().count(b"\n") if log.exists() else 0


def embedded(log: Path) -> list[str]:
    """Return each embedded frame's feature, in order."""
    return [line.split()[1] for line in log.read_text().splitlines()] if log.exists() else []


def shards(out: Path) -> dict[str, str]:
    """Return the first feature in each shard file of an unfinished output, by name."""
    found = {}
    for path in sorted(parts_of(out).glob("shard-*.h5")):
        with open_store(path) as store:
            found[path.name] = store.features(slice(0, 1))[0, 0].tobytes().hex()
    return found


def rows(out: Path) -> dict[bytes, tuple[bytes, bytes, bytes]]:
    """Return what a store holds by path, in no order; nothing of it may be damaged."""
    with open_store(out) as store:
        assert list(store.damage()) == []
        arrays = store.features(slice(None)), store.seconds(slice(None)), store.index(slice(None))
        facts = [tuple(row.tobytes() for row in rows) for rows in zip(*arrays, strict=True)]
        paths = store.videos.paths
        assert len(set(paths)) == len(paths)
        return dict(zip(paths, facts, strict=True))  # type: ignore[arg-type]


def left_beside(out: Path) -> list[str]:
    """Return all names in a store's folder."""
    return sorted(path.name for path in out.parent.iterdir())
