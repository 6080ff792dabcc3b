"""Stopping on Ctrl-C or SIGTERM between two videos, with everything finished so far kept."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):  # noqa: N818 - it is no error
    """The user or the system asked the program to stop.

    Attributes:
        exit_code: 130 or 143.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.exit_code = 128 + signum


class StopRequest:
    """Holds back SIGINT and SIGTERM inside a ``with``; a second one is not held back.

    Outside the main thread, where Python delivers no signals, it does nothing.
    """

    def __init__(self) -> None:
        self._signum = 0
        self._before: dict[int, Any] = {}

    def check(self) -> None:
        """Return at once unless a signal has come.

        Raises:
            Interrupted: If one has.
        """
        if self._signum:
            raise Interrupted(self._signum)

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        if self._signum:
            raise KeyboardInterrupt
        self._signum = signum
