"""A gate that lets some requests in at a time, some wait, and refuses the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .problems import busy


class Gate:
    """Bounds what runs and what waits; of one event loop.

    Args:
        what: What passes, for messages, such as ``uploads``.
        running: How many run at a time.
        inside: How many run or wait.
    """

    def __init__(self, what: str, *, running: int, inside: int) -> None:
        self._what, self._most, self._inside = what, max(running, inside), 0
        self._free = asyncio.Semaphore(running)

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Count as inside, without a turn yet.

        Raises:
            RequestProblem: With status 429 if there is no room.
        """
        if self._inside >= self._most:
            raise busy(self._what)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn; for who is inside."""
        async with self._free:
            yield
