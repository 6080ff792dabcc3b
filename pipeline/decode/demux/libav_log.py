"""Capture the log of libav while a file is read: bounded, only errors count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import av.logging

KEPT = 20  # lines kept for the report

# Libav calls these errors, but sound files cause them.
HARMLESS = (
    "Could not find codec parameters",
    "Application provided invalid, non monotonically increasing dts",
)


class LibavLog:
    """Captures libav's log on this thread; :meth:`errors` returns new errors since its last call.

    Attributes:
        lines: The first complaints, for the report.
        captured: What was logged since errors were last asked for.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._capture = av.logging.Capture(local=True)
        self.captured: list[tuple[int, str, str]] = []
        self._sought = ""
        self._found: list[str] = []

    def errors(self) -> list[str]:
        """Return the errors that were logged since this was last asked."""
        if not self.captured:
            return []
        found = [
            f"{name}: {message.strip()}"
            for level, name, message in self.captured
            if level <= av.logging.ERROR and not message.startswith(HARMLESS)
        ]
        if self._sought:
            self._found += [words for _, _, words in self.captured if self._sought in words]
        self.captured.clear()
        self.lines += found[: KEPT - len(self.lines)]
        return found

    @contextmanager
    def searching(self, words: str) -> Iterator[list[str]]:
        """Collect messages with some words, also those that libav calls no errors."""
        self.errors()
        self._sought, self._found = words, []
        av.logging.set_level(av.logging.DEBUG)
        try:
            yield self._found
        finally:
            av.logging.set_level(av.logging.ERROR)
            self.errors()
            self._sought = ""

    def text(self) -> str:
        """Return what was kept, one complaint a line."""
        self.errors()
        return "\n".join(self.lines)

    def __enter__(self) -> LibavLog:
        self._before = av.logging.get_level(), av.logging.get_skip_repeated()
        av.logging.set_level(av.logging.ERROR)
        av.logging.set_skip_repeated(False)  # a second bad packet often logs the same message
        self.captured = self._capture.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.errors()
        self._capture.__exit__(None, None, None)
        level, skip = self._before
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skip)
