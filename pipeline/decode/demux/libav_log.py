"""What libav says while a file is read: bounded, and only its errors count."""

from __future__ import annotations

from types import TracebackType

import av.logging

KEPT = 20  # lines kept for the report

# Libav calls these errors, but sound files cause them.
HARMLESS = (
    "Could not find codec parameters",
    "Application provided invalid, non monotonically increasing dts",
)


class Log:
    """Listens to libav on this thread; :meth:`news` tells what it complained of since last asked.

    Attributes:
        lines: The first complaints, for the report.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._capture = av.logging.Capture(local=True)
        self._heard: list[tuple[int, str, str]] = []

    def news(self) -> list[str]:
        """Return the errors that were logged since this was last asked."""
        if not self._heard:
            return []
        found = [
            f"{name}: {words.strip()}"
            for level, name, words in self._heard
            if level <= av.logging.ERROR and not words.startswith(HARMLESS)
        ]
        self._heard.clear()
        self.lines += found[: KEPT - len(self.lines)]
        return found

    def text(self) -> str:
        """Return what was kept, one complaint a line."""
        self.news()
        return "\n".join(self.lines)

    def __enter__(self) -> Log:
        self._before = av.logging.get_level(), av.logging.get_skip_repeated()
        av.logging.set_level(av.logging.ERROR)
        av.logging.set_skip_repeated(False)  # a second bad packet often says the same words
        self._heard = self._capture.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.news()
        self._capture.__exit__(None, None, None)
        level, skip = self._before
        av.logging.set_level(level)
        av.logging.set_skip_repeated(skip)
