"""The command ``chainpipe extract`` as its own process, measured from outside."""

from __future__ import annotations

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
    """

    cpu: float
    wall: float
    peak_bytes: int
    decode: float
    backbone: float
    rows: int
    bytes: int

    def facts(self) -> dict[str, Any]:
        """Return them for a JSON."""
        return {
            "cpu": round(self.cpu, 3), "wall": round(self.wall, 3),
            "peak_mb": round(self.peak_bytes / 1e6, 1), "decode_cpu": round(self.decode, 3),
            "backbone_cpu": round(self.backbone, 3), "videos": self.rows, "bytes": self.bytes,
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
    ended = run_command([*command, "--json"], folder=outs[0].parent, env=_one_thread(), every=every)
    if ended.code == USAGE and "no such option" in ended.stderr.lower():
        raise NotAvailableError
    if ended.code:
        raise RuntimeError(f"exit code {ended.code}: {ended.stderr.strip()[-300:]}")
    if not all(out.exists() for out in outs):
        raise NotAvailableError
    return _read(ended, outs)


def _read(ended: Ended, outs: Sequence[Path]) -> Extraction:
    said = json.loads(ended.stdout)
    reports = said if isinstance(said, list) else said.get("stores", [said])
    return Extraction(
        cpu=ended.cpu, wall=ended.wall, peak_bytes=ended.peak_bytes,
        decode=reports[0]["decode_seconds"],
        backbone=sum(report["backbone_seconds"] for report in reports),
        rows=reports[0]["decoded"], bytes=sum(out.stat().st_size for out in outs),
    )  # fmt: skip


def remove(out: Path) -> None:
    """Remove a store and what is unfinished of it."""
    out.unlink(missing_ok=True)
    shutil.rmtree(out.with_name(out.name + ".parts"), ignore_errors=True)


def _one_thread() -> dict[str, str]:
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return os.environ | one | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
