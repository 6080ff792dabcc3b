"""Replies of JSON in ASCII: names of files may hold bytes that are no text."""

from __future__ import annotations

import sys
from typing import Any

from starlette.responses import Response

from chainpipe.pipeline.console import json_text

from .problems import RequestProblem


class AsciiJson(Response):
    """A JSON body in which everything but ASCII is escaped, as ``--json`` of the verbs prints."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json_text(content).encode("ascii")


def problem_reply(problem: RequestProblem) -> AsciiJson:
    """Return the answer to a request that is refused."""
    return AsciiJson(problem.to_json(), problem.status, problem.headers)


def files_reply(error: Exception) -> AsciiJson:
    """Tell that a file of the server cannot be read or written; which one, on stderr only."""
    sys.stderr.write(f"error: {error}\n")
    message = "the server cannot read or write its files; it says why where it was started"
    return problem_reply(RequestProblem(500, "server_files", message))


def bug_reply(trace: str) -> AsciiJson:
    """Tell of a bug of ours; what it was, on stderr only."""
    sys.stderr.write(trace)
    return problem_reply(RequestProblem(500, "bug", "a bug in chainpipe; see the server's stderr"))
