"""What a command says on its console, passed to functions of the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chainpipe.pipeline.console import Console


class CallbackConsole(Console):
    """Passes the console output of a command to callbacks.

    Args:
        progress: Called with the number of steps done and their total.
        log: Called with lines about the run.
    """

    def __init__(
        self, progress: Callable[[int, int], None] | None, log: Callable[[str], None] | None
    ) -> None:
        super().__init__(quiet=True)
        self._progress, self._log = progress, log

    def log(self, line: str) -> None:
        """Pass a line on."""
        if self._log is not None:
            self._log(line)

    def warn(self, line: str) -> None:
        """Pass a warning on."""
        self.log(f"warning: {line}")

    @contextmanager
    def progress(self, title: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Yield a function that counts steps and passes the sum on."""
        done = 0

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            if self._progress is not None:
                self._progress(done, total or done)

        yield advance
