"""Receive a form with one file: streamed to a temporary file, ended as soon as it is too large."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from chainpipe.pipeline.console import format_size, printable

from .limits import ServerLimits
from .problems import RequestProblem, gone_away, too_slow

FILE = "file"  # the field with the file
FORM = "multipart/form-data"
FIELDS = 8  # beside the file
FIELD_BYTES = 4096
HEAD_BYTES = 8192  # of a part's headers
OVERHEAD = 64_000  # bytes of a form beside its file
NAME_LENGTH = 200
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A received file.

    Attributes:
        path: Where it lies until the request ends.
        name: As the client called it, for people; no path is taken from it.
        sha256: Of its bytes.
        fields: The form's other fields.
    """

    path: Path
    name: str
    sha256: bytes
    fields: dict[str, str]


@asynccontextmanager
async def received_upload(
    request: Request, folder: Path, limits: ServerLimits
) -> AsyncIterator[Upload]:
    """Receive a form; its file is removed at the end.

    Args:
        request: A ``multipart/form-data`` request with one file, in the field ``file``.
        folder: Where the file is written.
        limits: Of the server.

    Raises:
        RequestProblem: If it is no such form, too large (413) or too slow (408).
    """
    form = _Form(_boundary(request), folder, limits.upload)
    try:
        if _length(request) > limits.upload + OVERHEAD:
            raise too_large(limits.upload)
        await _receive(request, form, limits)
        yield form.upload()
    finally:
        form.remove()


def too_large(most: int) -> RequestProblem:
    """Return the refusal of a file that is too large."""
    hint = "send a shorter or smaller copy; the first frames are not enough to find it"
    message = f"the file is larger than {format_size(most)}"
    return RequestProblem(413, "too_large", message, hint=hint, headers={"Connection": "close"})


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind.decode("latin-1") != FORM or not options.get(b"boundary"):
        hint = f"send a form ({FORM}) with the file in the field `{FILE}`"
        raise RequestProblem(415, "no_form", "the request is not a form with a file", hint=hint)
    return options[b"boundary"]


def _length(request: Request) -> int:
    told = request.headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdecimal() else 0


async def _receive(request: Request, form: _Form, limits: ServerLimits) -> None:
    chunks = request.stream().__aiter__()
    try:
        async with asyncio.timeout(limits.receiving):
            while True:
                async with asyncio.timeout(limits.silence):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                form.write(chunk)
    except TimeoutError as error:
        raise too_slow("upload") from error
    except ClientDisconnect as error:
        raise gone_away() from error
    except FormParserError as error:
        raise RequestProblem(400, "bad_form", f"the form is broken: {error}") from error


class _Form:
    """Parses a form as it comes; the file goes to disk, other fields stay small."""

    def __init__(self, boundary: bytes, folder: Path, most: int) -> None:
        self._most, self._size, self._total = most, 0, 0
        self._hash = hashlib.sha256()
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        self._folder, self._name = folder, ""
        self._fields: dict[str, str] = {}
        self._head, self._header, self._value = b"", b"", b""
        self._field, self._content = "", bytearray()
        self._is_file = False
        self._ended = False
        callbacks: Any = {
            "on_part_begin": self._part_begins,
            "on_header_field": lambda data, start, end: self._add_header(data[start:end]),
            "on_header_value": lambda data, start, end: self._add_value(data[start:end]),
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": lambda data, start, end: self._add(data[start:end]),
            "on_part_end": self._part_ends,
            "on_end": self._all_ends,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:  # a boundary that is too long
            raise RequestProblem(400, "bad_form", f"the form is broken: {error}") from error

    def write(self, chunk: bytes) -> None:
        """Take some bytes of the body."""
        self._total += len(chunk)
        if self._total > self._most + OVERHEAD:
            raise too_large(self._most)
        self._parser.write(chunk)

    def upload(self) -> Upload:
        """Return what was received."""
        if not self._ended:
            raise RequestProblem(400, "bad_form", "the form ends too early")
        if self._path is None or self._file is None:
            hint = f"put it in the field `{FILE}`, with a file name"
            raise RequestProblem(400, "no_file", "the form holds no file", hint=hint)
        self._file.close()
        if not self._size:
            raise RequestProblem(400, "no_file", "the file is empty")
        return Upload(self._path, self._name, self._hash.digest(), self._fields)

    def remove(self) -> None:
        """Remove the file."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            with suppress(FileNotFoundError):
                self._path.unlink()

    def _part_begins(self) -> None:
        self._head, self._header, self._value = b"", b"", b""
        self._field, self._content, self._is_file = "", bytearray(), False

    def _add_header(self, data: bytes) -> None:
        self._header += data
        self._check_head()

    def _add_value(self, data: bytes) -> None:
        self._value += data
        self._check_head()

    def _check_head(self) -> None:
        if len(self._header) + len(self._value) > HEAD_BYTES:
            raise RequestProblem(400, "bad_form", "the headers of a part are too long")

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._head = self._value
        self._header, self._value = b"", b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._head)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._is_file = b"filename" in options
        if not self._is_file:
            if len(self._fields) >= FIELDS:
                raise RequestProblem(400, "bad_form", f"the form has more than {FIELDS} fields")
            return
        if self._field != FILE or self._path is not None:
            hint = f"send one file, in the field `{FILE}`"
            raise RequestProblem(400, "bad_form", "the form holds another file", hint=hint)
        name = options[b"filename"].decode("utf-8", "replace")
        self._name = printable(os.path.basename(name.replace("\\", "/")))[-NAME_LENGTH:] or "upload"
        suffix = os.path.splitext(self._name)[1]
        handle, path = tempfile.mkstemp(
            suffix if _SUFFIX.fullmatch(suffix) else "", "upload-", self._folder
        )
        self._file, self._path = os.fdopen(handle, "wb"), Path(path)

    def _add(self, data: bytes) -> None:
        if not self._is_file:
            self._content += data
            if len(self._content) > FIELD_BYTES:
                raise RequestProblem(400, "bad_form", f"the field `{self._field}` is too long")
            return
        assert self._file is not None
        self._size += len(data)
        if self._size > self._most:
            raise too_large(self._most)
        self._hash.update(data)
        self._file.write(data)

    def _part_ends(self) -> None:
        if not self._is_file:
            self._fields[self._field] = self._content.decode("utf-8", "replace")

    def _all_ends(self) -> None:
        self._ended = True
