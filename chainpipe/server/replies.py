"""Replies of JSON in ASCII: names of files may hold bytes that are no text."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from .problems import RequestProblem


class AsciiJson(Response):
    """A JSON body in which everything but ASCII is escaped, as ``--json`` of the verbs prints."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json.dumps(content).encode("ascii")


def problem_reply(problem: RequestProblem) -> AsciiJson:
    """Return the answer to a request that is refused."""
    return AsciiJson(problem.to_json(), problem.status, problem.headers)
