"""The JSON API: health, search, codes of uploads, duplicates, decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request

from chainpipe.hashing.cli.search_queries import AskedVideo

from .gate import Gate
from .json_bodies import json_body, json_object
from .limits import ServerLimits
from .problems import RequestProblem, bad_value
from .reading import VideoReading
from .replies import AsciiJson
from .schemas import BODIES, DECISION_BODY, PROBLEMS, UPLOAD_BODY
from .served_duplicates import PAGE, ServedDuplicates
from .served_library import SCHEMA, ServedLibrary, asked_upload
from .uploads import FORM, Upload, received_upload

K = 10
T = TypeVar("T")


class LibraryApi:
    """Handlers of the API.

    Args:
        library: What is searched.
        duplicates: Its duplicates and decisions.
        reading: Reads uploads.
        limits: Of the server.
        folder: Where uploads lie while they are read.
    """

    def __init__(
        self,
        library: ServedLibrary,
        duplicates: ServedDuplicates,
        reading: VideoReading,
        limits: ServerLimits,
        folder: Path,
    ) -> None:
        self._library, self._duplicates, self._reading = library, duplicates, reading
        self._limits, self._folder = limits, folder
        self._searches = Gate("searches", running=1, inside=limits.searches)
        self._uploads = Gate("uploads", running=limits.readers, inside=limits.uploads)
        # A thread each: searches run in turn anyway, and uploads only as many as have a turn.
        self._searcher = ThreadPoolExecutor(1, "search")
        self._readers = ThreadPoolExecutor(limits.readers, "read")
        self._writer = ThreadPoolExecutor(1, "decide")

    def close(self) -> None:
        """End what is being read, and the threads."""
        self._reading.stop()
        for pool in (self._searcher, self._readers, self._writer):
            pool.shutdown(wait=False, cancel_futures=True)

    def router(self) -> APIRouter:
        """Return the routes."""
        api = APIRouter(default_response_class=AsciiJson, responses=PROBLEMS)
        add = api.add_api_route
        add("/healthz", self.health, summary="Is the server up?", tags=["server"])
        add("/search", self.search, summary="Search by a video of the library", tags=["search"])
        add(
            "/search", self.search_posted, methods=["POST"], tags=["search"],
            summary="Search by a file", openapi_extra=BODIES, name="search_by_file",
        )  # fmt: skip
        add(
            "/encode", self.encode, methods=["POST"], tags=["search"],
            summary="Binary code of a file", openapi_extra=UPLOAD_BODY,
        )  # fmt: skip
        add("/duplicates", self.duplicates, summary="Pairs of duplicates", tags=["duplicates"])
        add("/decisions", self.decisions, summary="Lines of decisions", tags=["duplicates"])
        add(
            "/decisions", self.decide, methods=["POST"], tags=["duplicates"],
            summary="Add a decision", openapi_extra=DECISION_BODY, status_code=201,
        )  # fmt: skip
        return api

    async def health(self) -> AsciiJson:
        """Answer that the server is up; needs no token."""
        return AsciiJson({"schema": SCHEMA, "status": "ok"})

    async def search(
        self,
        id: Annotated[str, Query(description="First digits of a video's id, 8 to 64")] = "",
        row: Annotated[int | None, Query(description="Row of a video in the store")] = None,
        text: Annotated[str, Query(description="Words, where the backbone knows words")] = "",
        k: Annotated[int, Query(description="Number of answers")] = K,
        distance: Annotated[
            str | None, Query(description="hamming, asymmetric or rerank (default)")
        ] = None,
    ) -> AsciiJson:
        """Return the videos nearest to one of the library, itself left out, or to words."""
        return AsciiJson(await self._search_known(id, row, text, k, distance))

    async def search_posted(self, request: Request) -> AsciiJson:
        """Return the videos nearest to an uploaded file, or to what a JSON object names."""
        if request.headers.get("content-type", "").startswith(FORM):
            async with self._uploads.enter(), self._upload(request) as upload:
                k, distance = _number(upload.fields, "k", K), upload.fields.get("distance")
                self._check_k(k)
                asked = await self._asked(upload)
                return AsciiJson(await self._answers(asked, k, distance))
        found = json_object(await json_body(request, self._limits))
        given = {name: found.pop(name, None) for name in ("id", "row", "text", "k", "distance")}
        if found:
            raise bad_value("field", next(iter(found)), "id, row, text, k, distance")
        for name, kind in (("id", str), ("row", int), ("text", str), ("k", int), ("distance", str)):
            value = given[name]
            if value is not None and not (type(value) is kind and _is_unicode(value)):
                raise bad_value(name, value, "a number" if kind is int else "a text")
        k = K if given["k"] is None else given["k"]
        rest = given["id"] or "", given["row"], given["text"] or ""
        return AsciiJson(await self._search_known(*rest, k, given["distance"]))

    async def encode(self, request: Request) -> AsciiJson:
        """Return the binary code of an uploaded file, bit j in byte j // 8, lowest bit first."""
        async with self._uploads.enter(), self._upload(request) as upload:
            asked = await self._asked(upload)
            code = self._library.code_of
            return AsciiJson(await _in_thread(self._searcher, lambda: code(asked)))

    async def duplicates(
        self,
        answer: Annotated[
            str | None, Query(description="copy, part-of, same-scenes or similar")
        ] = None,
        offset: Annotated[int, Query(description="Pairs to pass over")] = 0,
        limit: Annotated[int, Query(description="Most pairs, at most 1000")] = PAGE,
    ) -> AsciiJson:
        """Return pairs as `dedup --json` tells them, with ids and what was decided."""
        page = self._duplicates.page
        found = await _in_thread(self._writer, lambda: page(answer, offset, limit))
        return AsciiJson(found)

    async def decisions(self) -> AsciiJson:
        """Return every line of the file of decisions; of several on a pair the last counts."""
        lines = await _in_thread(self._writer, self._duplicates.decisions)
        return AsciiJson({"schema": SCHEMA, "decisions": lines})

    async def decide(self, request: Request) -> AsciiJson:
        """Append a decision to the file; it is there when the answer comes."""
        body = await json_body(request, self._limits)
        made = await _in_thread(self._writer, lambda: self._duplicates.decide(body))
        return AsciiJson(made, 201)

    async def _search_known(
        self, digits: str, row: int | None, text: str, k: int, distance: str | None
    ) -> dict[str, Any]:
        self._check_k(k)
        if bool(text) + bool(digits) + (row is not None) != 1:
            hint = "give one of `id`, `row` and `text`"
            raise RequestProblem(
                400, "no_query", "the request does not ask for one thing", hint=hint
            )
        if text:
            words = self._library.words.search
            async with self._searches.enter(), self._searches.turn():
                return await _in_thread(self._searcher, lambda: words(text, k, distance))
        asked = self._library.by_id(digits) if row is None else self._library.by_row(row)
        return await self._answers(asked, k, distance)

    async def _answers(self, asked: AskedVideo, k: int, distance: str | None) -> dict[str, Any]:
        search = self._library.search
        async with self._searches.enter(), self._searches.turn():
            return await _in_thread(self._searcher, lambda: search(asked, k, distance))

    async def _asked(self, upload: Upload) -> AskedVideo:
        """Return the query for an upload; it is decoded only if it is not in the library."""
        if (known := self._library.by_upload(upload)) is not None:
            return known
        async with self._uploads.turn():
            read = self._reading.features
            return asked_upload(upload, await _in_thread(self._readers, lambda: read(upload)))

    def _upload(self, request: Request) -> Any:
        return received_upload(request, self._folder, self._limits)

    def _check_k(self, k: int) -> None:
        if not 1 <= k <= self._limits.answers:
            raise bad_value("k", k, f"1 to {self._limits.answers}")


async def _in_thread(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    """Run in a thread; where the request is given up meanwhile, its turn lasts until it is done."""
    future = asyncio.get_running_loop().run_in_executor(pool, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise


def _is_unicode(value: object) -> bool:
    """Return whether a value is no text with half a surrogate pair, which JSON can hold."""
    return not isinstance(value, str) or not any("\ud800" <= c <= "\udfff" for c in value)


def _number(fields: dict[str, str], name: str, default: int) -> int:
    text = fields.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise bad_value(name, text[:80], "a number")
    return int(text)
