"""The application: guard, API under two names, gallery."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from chainpipe.distribution import installed_version
from chainpipe.pipeline.errors import BugError, ChainpipeError

from .access import AccessRules
from .guard import Guard
from .problems import RequestProblem
from .replies import bug_reply, files_reply, problem_reply
from .routes import LibraryApi

DESCRIPTION = "Search a library of videos by binary codes. The same paths lie below `/api`, too."


def make_application(api: LibraryApi, gallery: Path, rules: AccessRules) -> FastAPI:
    """Return the application.

    Args:
        api: Handlers of the API.
        gallery: Folder of the gallery; nothing outside it is served, links out of it included.
        rules: Who may ask.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        api.close()

    app = FastAPI(
        title="chainpipe", version=installed_version(), description=DESCRIPTION,
        docs_url=None, redoc_url=None, lifespan=lifespan,
    )  # fmt: skip
    app.middleware("http")(Guard(rules))
    app.add_exception_handler(RequestProblem, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_values)
    app.add_exception_handler(HTTPException, _refuse_http)
    app.add_exception_handler(ChainpipeError, _refuse_ours)
    app.include_router(api.router())
    app.include_router(api.router(), prefix="/api", include_in_schema=False)
    app.mount("/", StaticFiles(directory=gallery, html=True, follow_symlink=False))
    return app


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestProblem)
    return problem_reply(error)


async def _refuse_values(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = str(first["loc"][-1])
    problem = RequestProblem(
        400, "bad_value", f"`{name}`: {first['msg']}", hint="see /openapi.json"
    )
    return problem_reply(problem)


async def _refuse_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = RequestProblem(
        error.status_code, "http", str(error.detail), headers=dict(error.headers or {})
    )
    return problem_reply(problem)


async def _refuse_ours(_request: Request, error: Exception) -> Response:
    return bug_reply(error.trace) if isinstance(error, BugError) else files_reply(error)
