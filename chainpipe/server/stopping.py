"""What a client is told whose request is cut off because the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .problems import RequestProblem
from .replies import problem_reply

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def answering_when_stopped(app: Application) -> Application:
    """Return an application that answers a request with 503 where the server gives it up.

    uvicorn itself would print a traceback, and answer that there is a bug.

    Args:
        app: An ASGI application.
    """

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, sending)
        except asyncio.CancelledError:
            if begun or scope["type"] != "http":
                raise
            problem = RequestProblem(
                503, "stopping", "the server is being stopped", headers={"Connection": "close"}
            )
            await problem_reply(problem)(scope, receive, send)

    return wrapped
