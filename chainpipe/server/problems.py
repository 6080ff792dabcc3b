"""Why a request is refused: HTTP status, a word for programs, a line and a hint for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainpipe.pipeline.console import printable

MOST = 80  # characters of a value that a message repeats
SECONDS = 1  # after which a busy server may be asked again


class RequestProblem(Exception):  # noqa: N818 - the request's, not ours
    """A request that is not answered.

    Attributes:
        status: Of HTTP.
        code: A word for programs.
        hint: What would be right; may be empty.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        hint: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.hint = status, code, hint
        self.headers = dict(headers or {})

    def to_json(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return problem_body(self.code, str(self), self.hint)


def problem_body(code: str, message: str, hint: str = "") -> dict[str, Any]:
    """Return the body of every refusal.

    >>> problem_body("busy", "too many requests")
    {'schema': 1, 'error': {'code': 'busy', 'message': 'too many requests', 'hint': ''}}
    """
    return {"schema": 1, "error": {"code": code, "message": message, "hint": hint}}


def busy(what: str) -> RequestProblem:
    """Return the refusal of a request for which there is no room now."""
    return RequestProblem(
        429, "busy", f"too many {what} at a time", hint="ask again later",
        headers={"Retry-After": str(SECONDS)},
    )  # fmt: skip


def too_slow(what: str) -> RequestProblem:
    """Return the end of a request that is not received in time, and of its connection."""
    message = f"the {what} was too slow"
    return RequestProblem(408, "too_slow", message, headers={"Connection": "close"})


def gone_away() -> RequestProblem:
    """Return the end of a request whose sender closed the connection; nobody reads it."""
    return RequestProblem(400, "gone_away", "the body ends too early")


def bad_value(name: str, value: object, hint: str) -> RequestProblem:
    """Return the refusal of a parameter."""
    return RequestProblem(
        400, "bad_value", f"`{name}` is `{printable(str(value)[:MOST])}`", hint=hint
    )
