"""Progress bars of a command that trains several times: one bar at a time, one a training."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

from .context import Tools


class TrainingBars(AbstractContextManager["TrainingBars"]):
    """The bar of the running training; it opens at the first step and closes before the next.

    Args:
        tools: Its ``progress`` opens a bar.
    """

    def __init__(self, tools: Tools) -> None:
        self._tools, self._open = tools, ExitStack()
        self._title, self._seen = "training", 0
        self._advance: Callable[[int], None] | None = None

    def start(self, title: str) -> None:
        """Close the bar; the next step opens one with this title."""
        self._open.close()
        self._title, self._seen, self._advance = title, 0, None

    def step(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` steps are done."""
        if self._advance is None:
            self._advance = self._open.enter_context(self._tools.progress(self._title, total))
        self._advance(done - self._seen)
        self._seen = done

    def __exit__(self, *error: object) -> None:
        """Close the bar."""
        self._open.close()
