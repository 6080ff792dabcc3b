"""The fault campaign's one table: what is tried, how often, and the figures that come of it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType

import pytest

FIGURES = "CHAINPIPE_FIGURES"  # the folder that a whole campaign writes its figures to


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the fault list.

    Attributes:
        row: Its number in the list.
        says: What is done to the program.
        whole: How often, in the whole campaign.
        sample: How often, every day.
        tolerated: The share of trials that need not hold.
    """

    row: int
    says: str
    whole: int
    sample: int
    tolerated: float = 0.0


FAULTS = {
    "kills": Fault(1, "extract is killed at a random moment, its children with it", 200, 2),
    "lost-children": Fault(1, "one decode child is killed", 20, 1),
    "writes": Fault(2, "each write, flush, rename ... fails once, then for good", 1, 0),
    "full-disk": Fault(2, "a real disk of each size runs full", 20, 1),
    "SIGINT": Fault(3, "SIGINT at a random moment", 50, 1),
    "SIGTERM": Fault(3, "SIGTERM at a random moment", 50, 1),
    "races": Fault(4, "two extracts start on one output", 50, 1),
    "slurm": Fault(5, "the process of a Slurm job is killed (submitit's local cluster)", 20, 1),
    "ray": Fault(5, "a worker of a Ray of two is killed", 20, 1),
    "changed-between": Fault(6, "a source changes between two runs", 50, 2),
    "changed-during": Fault(6, "a source changes while it is read", 50, 2),
    "twins": Fault(7, "files are copied, moved and removed between runs", 30, 2),
    "no-videos": Fault(8, "kinds of files that are no videos", 12, 12),
    "odd-videos": Fault(9, "odd videos against their plain twins, default backbone", 10, 10),
    "odd-times": Fault(9, "odd timings, by index and by time: seconds within a frame", 14, 14),
    "damage-h264-mp4": Fault(10, "4 to 16 KiB of H.264 in MP4 are damaged", 1000, 12),
    "damage-h264-mkv": Fault(10, "4 to 16 KiB of H.264 in Matroska are damaged", 100, 4),
    "damage-h264-ts": Fault(10, "4 to 16 KiB of H.264 in a transport stream are damaged", 100, 4),
    "damage-hevc-mp4": Fault(10, "4 to 16 KiB of HEVC in MP4 are damaged", 100, 4),
    "damage-vp9-webm": Fault(10, "4 to 16 KiB of VP9 in WebM are damaged", 100, 4, 0.05),
    "damage-mpeg4-avi": Fault(10, "4 to 16 KiB of MPEG-4 in AVI are damaged", 100, 4),
    "damage-bytes": Fault(10, "8 to 32 bytes of H.264 in MP4 are damaged", 200, 8, 0.5),
    "fuzz": Fault(11, "mutated files of seven containers", 1000, 30),
    "bombs": Fault(12, "bombs: pixels, times, streams without end", 8, 4),
    "playlists": Fault(13, "playlists under a video's name, for each reader", 20, 20),
    "names": Fault(14, "odd names, links and things that are no files", 30, 30),
    "flips-h5": Fault(16, "a bit of an HDF5 store is flipped", 500, 40),
    "flips-zarr": Fault(16, "a bit of a zarr store is flipped", 500, 40),
    "flips-shards": Fault(16, "a bit of a journal's shard is flipped", 500, 8),
    "flips-journal": Fault(16, "a bit of the journal's database is flipped", 500, 40),
    "mends-h5": Fault(16, "a flipped bit of an HDF5 store is repaired", 500, 15, 0.4),
    "mends-zarr": Fault(16, "a flipped bit of a zarr store is repaired", 100, 3, 0.4),
    "shards": Fault(17, "a shard is missing, altered or one too many", 30, 3),
}


def counts(key: str) -> pytest.MarkDecorator:
    """Run a test with a small ``count`` every day, and with the campaign's in a soak."""
    fault = FAULTS[key]
    whole = pytest.param(fault.whole, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])
    return pytest.mark.parametrize("count", [fault.sample, whole], ids=["sample", "whole"])


@dataclass
class Campaign:
    """Counts what was tried and what held; at the end all of it must have.

    Leaving the ``with`` writes the figures, if the whole campaign was run, and then fails the
    test if more was missed than is tolerated.

    Args:
        key: Of the table.
        wanted: How many trials this run is to have.
        test: The file of the test.
    """

    key: str
    wanted: int
    test: Path
    tried: int = 0
    misses: list[str] = field(default_factory=list)
    figures: dict[str, float | str] = field(default_factory=dict)

    def check(self, held: bool, what: object) -> None:
        """Count one trial; ``what`` says which one it was, if it did not hold."""
        self.tried += 1
        if not held:
            self.misses.append(str(what))

    def most(self, name: str, value: float) -> None:
        """Keep the largest value of a figure."""
        self.figures[name] = round(max(value, float(self.figures.get(name, 0))), 2)

    def add(self, name: str, value: float = 1) -> None:
        """Add to a figure."""
        self.figures[name] = round(float(self.figures.get(name, 0)) + value, 2)

    def __enter__(self) -> Campaign:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            return
        folder = os.environ.get(FIGURES)
        if folder and self.wanted >= FAULTS[self.key].whole:
            merge(Path(folder) / "faults.json", self.key, self.facts())
        shown = "\n".join(self.misses[:40])
        few = len(self.misses) <= FAULTS[self.key].tolerated * self.tried
        assert few, f"{len(self.misses)} of {self.tried} did not hold:\n{shown}"
        assert self.tried >= self.wanted

    def facts(self) -> dict[str, object]:
        """Return this campaign's line of the table of figures."""
        fault = FAULTS[self.key]
        return {
            "row": fault.row,
            "fault": fault.says,
            "wanted": fault.whole,
            "tolerated": fault.tolerated,
            "tried": self.tried,
            "held": self.tried - len(self.misses),
            "figures": self.figures,
            "command": f"pytest -m soak tests/faults/{self.test.name}",
            "date": date.today().isoformat(),
        }


def merge(file: Path, key: str, facts: dict[str, object]) -> None:
    """Put one campaign's figures among those of the others."""
    known = json.loads(file.read_text()) if file.exists() else {}
    known[key] = facts
    ordered = {name: known[name] for name in FAULTS if name in known}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(ordered, indent=1) + "\n")
