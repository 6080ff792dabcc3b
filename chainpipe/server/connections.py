"""HTTP connections that are closed when their client sends no request, or takes no answer."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD = 15.0  # seconds until the head of a request is there whole
TAKING = 60.0  # seconds in which a client takes nothing of an answer that waits


class TimedConnection(H11Protocol):
    """A connection of uvicorn with limits of time that it lacks.

    uvicorn itself ends a connection only between two requests, so a client that sends nothing, or
    a head byte by byte, would hold one of the server's connections for ever.
    """

    _head: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._time_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; where the head of a request is begun, its time runs from the first one."""
        super().data_received(data)
        self._time_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        for timer in (self._head, self._taking):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for the client to take what was written."""
        super().pause_writing()
        self._taking = self.loop.call_later(TAKING, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has taken it."""
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()

    def _time_head(self) -> None:
        answered = self.cycle is None or self.cycle.response_complete
        if self.conn.their_state is h11.IDLE and answered:
            self._head = self._head or self.loop.call_later(HEAD, self.transport.close)
        elif self._head is not None:
            self._head.cancel()
            self._head = None
