"""What a verb says that is not its data; rich is imported for terminals, tables and bars only."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from .progress import LineProgress

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.table import Table

Part = str | tuple[str, str]  # text, or text and its style
_CONTROLS = dict.fromkeys((7, 8, 11, 12, 13))  # bell, backspace ...: rich leaves them out, too


class Console:
    """Everything a verb says that is not its data, on stderr.

    Args:
        quiet: Whether to keep to errors and hints.
        console: Where to write; stderr by default.
    """

    def __init__(self, *, quiet: bool = False, console: RichConsole | None = None) -> None:
        self._quiet, self._given = quiet, console

    @cached_property
    def _console(self) -> RichConsole:
        from rich.console import Console as RichConsole

        return self._given or RichConsole(stderr=True, highlight=False)

    @property
    def _plain(self) -> bool:
        """Whether lines go to a file or a pipe, where rich would print them as they are."""
        asked = os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE")
        return self._given is None and not asked and not sys.stderr.isatty()

    def log(self, line: str) -> None:
        """Print one line."""
        if not self._quiet:
            self._print(line)

    def success(self, line: str) -> None:
        """Print one line of good news."""
        if not self._quiet:
            self._print((line, "green"))

    def warn(self, line: str) -> None:
        """Print one line that should be read."""
        if not self._quiet:
            self._print(("warning:", "yellow"), " ", line)

    def error(self, message: str) -> None:
        """Print why the program stops."""
        self._print(("error:", "bold red"), " ", message)

    def hint(self, hint: str) -> None:
        """Print what would have been right."""
        self._print("\n", ("hint:", "cyan"), " ", hint)

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
        elif self._plain or not self._console.is_terminal or self._console.is_dumb_terminal:
            yield LineProgress(self.log, title, total)
        else:
            from .bars import bars

            with bars(self._console) as bar:
                task = bar.add_task(title, total=total)
                yield lambda steps: bar.advance(task, steps)

    def _print(self, *parts: Part) -> None:
        if self._plain:
            text = "".join(part if isinstance(part, str) else part[0] for part in parts)
            sys.stderr.write(f"{text.translate(_CONTROLS).expandtabs()}\n")
            return
        from rich.text import Text

        self._console.print(Text.assemble(*parts), soft_wrap=True)
