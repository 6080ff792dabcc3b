"""How the program talks: one console on stderr, progress, and names that are safe to print."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

from rich.console import Console as RichConsole
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

LINE_SECONDS = 30.0  # off a terminal, progress is one plain line this often


class Console:
    """Everything a verb says that is not its data, on stderr.

    Args:
        quiet: Whether to keep to errors and hints.
        console: Where to write; stderr by default.
    """

    def __init__(self, *, quiet: bool = False, console: RichConsole | None = None) -> None:
        self._quiet = quiet
        self._console = console or RichConsole(stderr=True, highlight=False)

    def log(self, line: str) -> None:
        """Print one line."""
        if not self._quiet:
            self._print(Text(line))

    def success(self, line: str) -> None:
        """Print one line of good news."""
        if not self._quiet:
            self._print(Text(line, style="green"))

    def warn(self, line: str) -> None:
        """Print one line that should be read."""
        if not self._quiet:
            self._print(Text.assemble(("warning:", "yellow"), " ", line))

    def error(self, message: str) -> None:
        """Print why the program stops."""
        self._print(Text.assemble(("error:", "bold red"), " ", message))

    def hint(self, hint: str) -> None:
        """Print what would have been right."""
        self._print(Text.assemble("\n", ("hint:", "cyan"), " ", hint))

    def print_table(self, table: Table) -> None:
        """Print a table."""
        if not self._quiet:
            self._console.print(table)

    @contextlib.contextmanager
    def progress(self, title: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Show how far a job is, with rate and time left.

        Args:
            title: What is being done.
            total: How many steps it has, if known.

        Yields:
            A function that takes how many steps were done since its last call.
        """
        if self._quiet:
            yield lambda _steps: None
        elif self._console.is_terminal and not self._console.is_dumb_terminal:
            with Progress(*_columns(), console=self._console, transient=True) as bar:
                task = bar.add_task(title, total=total)
                yield lambda steps: bar.advance(task, steps)
        else:
            yield _LineProgress(self.log, title, total)

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


class _Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "")


def _columns() -> list[ProgressColumn]:
    return [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]


class _LineProgress:
    """Progress as a plain line now and then."""

    def __init__(self, log: Callable[[str], None], title: str, total: int | None) -> None:
        self._log, self._title, self._total = log, title, total
        self._done = 0
        self._start = self._logged_at = time.monotonic()

    def __call__(self, steps: int) -> None:
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
    """
    rate = done / seconds if seconds > 0 else 0.0
    if total is None:
        return f"{title}: {done}, {rate:.1f}/s"
    left = f", {format_duration((total - done) / rate)} left" if rate > 0 else ""
    return f"{title}: {done} of {total}, {rate:.1f}/s{left}"


def format_duration(seconds: float) -> str:
    """Write a span of time with its two largest units.

    >>> format_duration(45.2), format_duration(61), format_duration(7322), format_duration(90061)
    ('45 s', '1 min 1 s', '2 h 2 min', '25 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def format_size(count: float) -> str:
    """Write a number of bytes with three digits.

    >>> format_size(512), format_size(64_000), format_size(12_345_678)
    ('512 B', '64.0 kB', '12.3 MB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit == "B" else f"{_three_digits(count)} {unit}"
        count /= 1000
    return f"{_three_digits(count)} TB"


def printable(path: bytes | str | os.PathLike[str]) -> str:
    r"""Return a name that is safe to print: control and undecodable characters are escaped.

    >>> printable(b"a\nb\xff.mp4")
    'a\\nb\\udcff.mp4'
    """
    name = os.fsdecode(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _three_digits(number: float) -> str:
    return f"{number:.{0 if number >= 100 else 1 if number >= 10 else 2}f}"
