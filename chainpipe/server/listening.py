"""Bind a port and serve until a signal."""

from __future__ import annotations

import errno
import logging
import resource
import socket
from typing import Any

from chainpipe.pipeline.errors import UsageError

GRACE = 10  # seconds that requests get to end
SPARE = 256  # open files besides the connections: uploads, pictures, decode children
IDLE = 15  # seconds that a connection without a request stays open


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        UsageError: If the port is taken or not ours to take, or there is no such address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError) as error:
        hint = "an address of this machine, such as 127.0.0.1"
        raise UsageError(f"there is no address `{host}`", hint=hint) from error
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(128)
    except OSError as error:
        opened.close()
        raise _refusal(host, port, error) from error
    return opened


def address_of(opened: socket.socket, host: str) -> str:
    """Return the address of the page."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{opened.getsockname()[1]}/"


def serve_application(app: Any, opened: socket.socket, *, connections: int) -> None:
    """Serve until SIGINT or SIGTERM, which is then delivered as it would have been.

    Args:
        app: An ASGI application.
        opened: From :func:`listening_socket`.
        connections: Most open connections.
    """
    import uvicorn

    from .connections import TimedConnection  # imports uvicorn, too
    from .stopping import answering_when_stopped

    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # each broken form is told
    config = uvicorn.Config(
        answering_when_stopped(app), http=TimedConnection, access_log=False, log_level="error",
        server_header=False, proxy_headers=False, limit_concurrency=_room_for(connections),
        timeout_keep_alive=IDLE, timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=32_768, ws="none",
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[opened])


def _room_for(connections: int) -> int:
    """Let this process open as many files as it needs; return how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < connections + SPARE:
        wanted = connections + SPARE
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return connections if soft == resource.RLIM_INFINITY else max(1, min(connections, soft - SPARE))


def _refusal(host: str, port: int, error: OSError) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        message = f"port {port} of {host} is taken"
        return UsageError(message, hint="`--port 0` takes one that is free")
    if error.errno == errno.EACCES:
        message = f"port {port} may not be taken by this user"
        return UsageError(message, hint="a port from 1024 on, or `--port 0`")
    hint = "an address of this machine, such as 127.0.0.1"
    return UsageError(f"cannot listen at {host}: {error.strerror}", hint=hint)
