"""Training logs: a CSV file, and TensorBoard events if TensorBoard is installed."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chainpipe.distribution import extra_hint
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from .history import HistoryRow, history_csv

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FILE = "history.csv"


class Logs:
    """Write `history.csv` and TensorBoard events to a folder; a resumed run adds to both.

    Without TensorBoard only the CSV file is written, and ``log`` is called with how to install it.

    Args:
        folder: Folder of the logs; created if missing.
        log: Called with a line of text.

    Raises:
        StorageError: If the folder cannot be written.
    """

    def __init__(self, folder: Path, log: Callable[[str], None] = lambda line: None) -> None:
        self.folder, self._writer_of = folder, _summary_writer()
        if self._writer_of is None:
            log(f"no TensorBoard: `{folder}` gets {FILE} only ({extra_hint('tensorboard')})")
        self._rows: list[HistoryRow] = []
        self._writer: SummaryWriter | None = None
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def add(self, row: HistoryRow) -> None:
        """Log the row of an epoch; rows of this and later epochs of an earlier run are replaced.

        Args:
            row: Metrics with ``epoch``, or with ``step`` where no epoch is trained.

        Raises:
            StorageError: If the folder cannot be written.
            UsageError: If the existing CSV file is not a training log.
        """
        clock, path = "step" if "step" in row else "epoch", self.folder / FILE
        time = int(row[clock])
        with storage_errors(self.folder):
            if not self._rows:
                self._rows = [old for old in _read(path) if old.get(clock, time) < time]
                if self._writer_of is not None:
                    self._writer = self._writer_of(str(self.folder), purge_step=time)
            self._rows.append(row)
            with atomic_replace(path) as temporary:
                temporary.write_bytes(history_csv(self._rows))
            if self._writer is None:
                return
            for name, value in row.items():
                if name != clock:
                    self._writer.add_scalar(name, value, time)
            self._writer.flush()

    def close(self) -> None:
        """Close the events file."""
        if self._writer is not None:
            self._writer.close()


def _summary_writer() -> type[SummaryWriter] | None:
    """Return TensorBoard's writer, or ``None`` if it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter


def _read(path: Path) -> list[HistoryRow]:
    """Return the rows of a CSV file that :func:`history_csv` wrote; none where there is none."""
    if not path.exists():
        return []
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [{n: float(v) for n, v in row.items() if v} for row in csv.DictReader(file)]
        if all("epoch" in row or "step" in row for row in rows):
            return rows
    except (ValueError, TypeError, csv.Error):
        pass
    hint = "give `--logs` a folder of its own"
    raise UsageError(f"`{path}` is no log of a training", hint=hint)
