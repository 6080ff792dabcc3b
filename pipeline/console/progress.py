"""Progress: bars on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

from .words import format_duration, format_rate

LINE_SECONDS = 30.0  # off a terminal, progress is one plain line this often


class LineProgress:
    """Progress as a plain line now and then.

    Args:
        log: Prints a line.
        title: What is being done.
        total: How many steps it has, if known.
    """

    def __init__(self, log: Callable[[str], None], title: str, total: int | None) -> None:
        self._log, self._title, self._total = log, title, total
        self._done = 0
        self._start = self._logged_at = time.monotonic()

    def __call__(self, steps: int) -> None:
        """Count further steps; print a line if the last one is long ago."""
        self._done += steps
        now = time.monotonic()
        if now - self._logged_at >= LINE_SECONDS:
            self._logged_at = now
            self._log(progress_line(self._title, self._done, self._total, now - self._start))


def progress_line(title: str, done: int, total: int | None, seconds: float) -> str:
    """Say in one line how far a job is.

    Args:
        title: What is being done.
        done: Steps done.
        total: All steps, if known.
        seconds: Time it took so far.

    Example:
        >>> progress_line("extract", 30, 120, 15.0)
        'extract: 30 of 120, 2.0/s, 45 s left'
        >>> progress_line("extract", 30, None, 15.0)
        'extract: 30, 2.0/s'
        >>> progress_line("extract", 0, 120, 15.0)
        'extract: 0 of 120'
    """
    said = f"{title}: {done}" if total is None else f"{title}: {done} of {total}"
    if done <= 0 or seconds <= 0:
        return said
    rate = done / seconds
    left = "" if total is None else f", {format_duration((total - done) / rate)} left"
    return f"{said}, {format_rate(rate)}{left}"
