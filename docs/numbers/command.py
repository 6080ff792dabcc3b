"""The command ``chainpipe extract`` as its own process, measured from outside."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import Ended, run_command

ROOT = Path(__file__).parents[2]
USAGE = 2


class NotAvailableError(Exception):
    """The program does not know an option yet."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """One finished run of ``chainpipe extract``.

    Attributes:
        cpu: CPU seconds of its process tree.
        wall: Seconds on the clock.
        peak_bytes: Largest memory of its process tree.
        decode: CPU seconds of decoding, by its own report.
        backbone: CPU seconds of the backbone, by its own report.
        rows: Videos that it decoded.
        bytes: Size of the stores.
        journal_bytes: Largest size of the journal while it ran.
        shards: Largest number of shard files while it ran.
    """

    cpu: float
    wall: float
    peak_bytes: int
    decode: float
    backbone: float
    rows: int
    bytes: int
    journal_bytes: int
    shards: int

    def facts(self) -> dict[str, Any]:
        """Return them for a JSON."""
        return {
            "cpu": round(self.cpu, 3), "wall": round(self.wall, 3),
            "peak_mb": round(self.peak_bytes / 1e6, 1), "decode_cpu": round(self.decode, 3),
            "backbone_cpu": round(self.backbone, 3), "videos": self.rows, "bytes": self.bytes,
            "journal_bytes": self.journal_bytes, "shards": self.shards,
        }  # fmt: skip


def extract(
    source: Path, outs: Sequence[Path], *options: str, keep: bool = False, every: float = 0.25
) -> Extraction:
    """Run it.

    Args:
        source: Folder or list.
        outs: The stores to make, removed first unless ``keep``.
        options: Further words of the command line.
        keep: Whether stores that exist are added to.
        every: Seconds between two looks at its memory.

    Raises:
        NotAvailableError: If it does not know an option, or makes fewer stores than asked.
        RuntimeError: If it fails.
    """
    if not keep:
        for out in outs:
            remove(out)
    words = [word for out in outs for word in ("--out", str(out))]
    command = [sys.executable, "-m", "chainpipe", "extract", str(source), *words, *options]
    parts = _Parts(parts_of(outs[0]))
    ended = run_command(
        [*command, "--json"], folder=outs[0].parent, env=_one_thread(), every=every,
        look=parts.look,
    )  # fmt: skip
    if ended.code == USAGE and "no such option" in ended.stderr.lower():
        raise NotAvailableError
    if ended.code:
        raise RuntimeError(f"exit code {ended.code}: {ended.stderr.strip()[-300:]}")
    if not all(out.exists() for out in outs):
        raise NotAvailableError
    return _read(ended, outs, parts)


def _read(ended: Ended, outs: Sequence[Path], parts: _Parts) -> Extraction:
    said = json.loads(ended.stdout)
    reports = said if isinstance(said, list) else said.get("stores", [said])
    return Extraction(
        cpu=ended.cpu, wall=ended.wall, peak_bytes=ended.peak_bytes,
        decode=reports[0]["decode_seconds"],
        backbone=sum(report["backbone_seconds"] for report in reports),
        rows=reports[0]["decoded"], bytes=sum(out.stat().st_size for out in outs),
        journal_bytes=parts.journal, shards=parts.shards,
    )  # fmt: skip


def remove(out: Path) -> None:
    """Remove a store and what is unfinished of it."""
    out.unlink(missing_ok=True)
    shutil.rmtree(parts_of(out), ignore_errors=True)


def parts_of(out: Path) -> Path:
    """Return the folder in which a store is made."""
    return out.with_name(f"{out.name}.parts")


class _Parts:
    """The largest journal and the most shards that were seen while a store was made."""

    def __init__(self, folder: Path) -> None:
        self.journal = self.shards = 0
        self._folder = folder

    def look(self) -> None:
        """Look once more."""
        with contextlib.suppress(OSError):
            files = {path.name: path.stat().st_size for path in self._folder.iterdir()}
            journal = [size for name, size in files.items() if name == "journal.sqlite"]
            self.journal = max(self.journal, *journal, 0)
            self.shards = max(self.shards, sum(name.endswith(".h5") for name in files))


def _one_thread() -> dict[str, str]:
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return os.environ | one | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
