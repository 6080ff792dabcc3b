"""Report of an extraction: table, JSON fields, file of failures."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from ..console import counted, format_duration, format_size, printable
from ..errors import StorageError
from ..records import FailedVideo, Status
from ..store.atomic import atomic_replace


@dataclass(frozen=True, slots=True)
class ExtractReport:
    """Report of an extraction and of the finished store.

    Attributes:
        out: The store.
        counts: How many videos ended with each status, earlier runs included.
        failed: Videos without features.
        decoded: Videos decoded in this run.
        copied: Videos whose bytes were known already, so that features were copied.
        labelled: Rows with a label.
        gone: Rows of videos that the input no longer contains.
        missing: Paths of the rows whose files are gone.
        unreachable: Paths of the rows whose files are missing, maybe with their drive.
        pruned: Rows dropped in this run, because their files are gone.
        new_failures: Failed videos that had not failed when the store was written before.
        accept_failures: Whether only these matter to the exit code.
        written: Whether the store was written; not if nothing had changed.
        seconds: Time of this run.
        decode_seconds: CPU time of the decoding processes.
        backbone_seconds: CPU time of the backbone's calling threads.
        store_bytes: Size of the store.
        failures_file: The list of failures beside the store, if there are any.
        growing: Paths of files that were being written, and were left for the next run.
    """

    out: Path
    counts: dict[Status, int]
    failed: tuple[FailedVideo, ...]
    decoded: int
    copied: int
    labelled: int
    gone: int
    missing: tuple[bytes, ...]
    unreachable: tuple[bytes, ...]
    pruned: int
    new_failures: int
    accept_failures: bool
    written: bool
    seconds: float
    decode_seconds: float
    backbone_seconds: float
    store_bytes: int
    failures_file: Path | None
    growing: tuple[bytes, ...] = ()

    @property
    def rows(self) -> int:
        """Return N, the rows of the store."""
        return sum(count for status, count in self.counts.items() if status.has_row)

    @property
    def exit_code(self) -> int:
        """Return 3 if some videos failed that are not accepted, else 0."""
        return 3 if self.new_failures or (self.failed and not self.accept_failures) else 0

    @property
    def videos_per_second(self) -> float:
        """Return the rate of this run's decoded videos."""
        return self.decoded / self.seconds if self.seconds > 0 else 0.0

    def facts(self) -> dict[str, object]:
        """Return the report as JSON-able facts."""
        return {
            "schema": 1,
            "out": os.fsdecode(self.out),
            "videos": {status.label: n for status, n in sorted(self.counts.items())},
            "decoded": self.decoded,
            "copied": self.copied,
            "labelled": self.labelled,
            "gone": self.gone,
            "missing": len(self.missing),
            "unreachable": len(self.unreachable),
            "pruned": self.pruned,
            "new_failures": self.new_failures,
            "written": self.written,
            "seconds": self.seconds,
            "decode_seconds": self.decode_seconds,
            "backbone_seconds": self.backbone_seconds,
            "videos_per_second": self.videos_per_second,
            "bytes": self.store_bytes,
            "failures_file": self.failures_file and str(self.failures_file),
        }


def report_table(report: ExtractReport) -> Table:
    """Draw the table that an extraction ends with."""
    table = Table(title=printable(report.out), title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for status, count in report.counts.items():
        style = "green" if status == Status.OK else "yellow" if status.has_row else "red"
        table.add_row(status.label.replace("_", " "), str(count), style=style)
    table.add_section()
    if report.copied:
        table.add_row("same bytes, copied", str(report.copied))
    if report.decoded:
        table.add_row("decoded now", f"{report.decoded} in {format_duration(report.seconds)}")
        table.add_row("videos per second", f"{report.videos_per_second:.2f}")
        table.add_row("decoding", f"{report.decode_seconds:.1f} CPU s")
        table.add_row("backbone", f"{report.backbone_seconds:.1f} CPU s")
    labelled = (
        f"{report.labelled} of {counted(report.rows, 'video')}" if report.labelled else "none"
    )
    table.add_row("labels", labelled)
    table.add_row("size", format_size(report.store_bytes))
    return table


def failures_path(out: Path) -> Path:
    """Return where the failures of a store are listed.

    >>> failures_path(Path("a/feats.h5")).as_posix()
    'a/feats.h5.failures.csv'
    """
    return out.with_name(f"{out.name}.failures.csv")


def write_failures(out: Path, failed: Sequence[FailedVideo]) -> Path | None:
    """List the failures beside the store, or remove the list if there are none.

    Paths are written byte for byte as the file system has them.

    Args:
        out: The store.
        failed: Videos without features.

    Returns:
        The list, or ``None``.

    Raises:
        StorageError: If it cannot be written.
    """
    path = failures_path(out)
    try:
        if failed:
            _write_csv(path, failed)
            return path
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write `{path}`: {error.strerror}") from error
    return None


def _write_csv(path: Path, failed: Sequence[FailedVideo]) -> None:
    how: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}
    with atomic_replace(path) as temporary, open(temporary, "w", **how) as file:
        writer = csv.writer(file)
        writer.writerow(["path", "status", "message", "attempts", "command", "stderr"])
        for video in failed:
            why = video.status.label, video.message, video.attempts
            writer.writerow([os.fsdecode(video.path), *why, video.command, video.stderr])
