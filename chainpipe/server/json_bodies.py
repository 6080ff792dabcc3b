"""Small JSON bodies of requests."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from .limits import ServerLimits
from .problems import RequestProblem, gone_away, too_slow

MOST = 64_000  # bytes
KIND = "application/json"


async def json_body(request: Request, limits: ServerLimits) -> bytes:
    """Return the body of a request whose content type says JSON.

    Pages of other sites cannot send that type without asking first.

    Raises:
        RequestProblem: If the type is another one (415), the body is too large (413) or too slow
            (408), or its sender is gone.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != KIND:
        hint = f"send `Content-Type: {KIND}`"
        raise RequestProblem(415, "no_json", "the request is not JSON", hint=hint)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.silence):  # small, so it comes at once
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST:
                    raise RequestProblem(413, "too_large", f"the body is larger than {MOST} bytes")
    except TimeoutError as error:
        raise too_slow("body") from error
    except ClientDisconnect as error:
        raise gone_away() from error
    return bytes(body)


def json_object(body: bytes) -> dict[str, Any]:
    """Return the object that a body holds.

    Raises:
        RequestProblem: If it holds anything else.

    Example:
        >>> json_object(b'{"k": 3}')
        {'k': 3}
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestProblem(400, "no_json", "the body is no JSON") from error
    if not isinstance(found, dict):
        raise RequestProblem(400, "no_json", "the body is no JSON object")
    return found
