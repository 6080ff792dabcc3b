"""Middleware of every request: access rules, the login, security headers, no surprise in errors."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from fastapi import Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from .access import COOKIE, AccessRules
from .login_page import STYLE_HASH, login_page
from .problems import RequestProblem
from .replies import bug_reply, files_reply, problem_reply

Next = Callable[[Request], Awaitable[Response]]
OPEN = frozenset({"/healthz", "/api/healthz"})  # without a token
POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "img-src 'self' data:"),
        f"style-src 'self' 'sha256-{STYLE_HASH}'",
        *("connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"),
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Lets a request pass, or answers it.

    Args:
        rules: Who may ask.
    """

    def __init__(self, rules: AccessRules) -> None:
        self._rules = rules

    async def __call__(self, request: Request, go_on: Next) -> Response:
        """Answer a request, with the security headers."""
        try:
            reply = await self._checked(request, go_on)
        except RequestProblem as problem:
            reply = problem_reply(problem)
        except OSError as error:
            reply = files_reply(error)
        except Exception as error:  # a bug of ours ends one request, not the server
            reply = bug_reply("".join(traceback.format_exception(error)))
        for name, value in HEADERS.items():
            reply.headers.setdefault(name, value)
        if request.url.path.startswith("/api/") or reply.status_code >= 400:
            reply.headers["Cache-Control"] = "no-store"
        return reply

    async def _checked(self, request: Request, go_on: Next) -> Response:
        rules = self._rules
        rules.check_host(request.headers.get("host", ""))
        rules.check_origin(request.method, request.headers)
        if request.method == "GET" and rules.token and "token" in request.query_params:
            return self._login(request)
        if request.url.path in OPEN or rules.knows(request.headers, request.cookies):
            return await go_on(request)
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(login_page(wrong=False), status_code=401)
        raise RequestProblem(
            401, "no_token", "a token is needed", hint="send `Authorization: Bearer TOKEN`",
            headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip

    def _login(self, request: Request) -> Response:
        """Set the cookie if the token is right, and lead to the page without it in the address."""
        if not self._rules.fits(request.query_params["token"]):
            return HTMLResponse(login_page(wrong=True), status_code=401)
        rest = [pair for pair in request.query_params.multi_items() if pair[0] != "token"]
        place = "/" + request.url.path.lstrip("/\\")
        reply = RedirectResponse(place + ("?" + urlencode(rest) if rest else ""), 303)
        secure = request.url.scheme == "https"
        reply.set_cookie(
            COOKIE, self._rules.session, httponly=True, samesite="strict", secure=secure
        )
        return reply
