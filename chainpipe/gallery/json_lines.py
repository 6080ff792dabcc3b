"""Read files of one JSON object a line that another command printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainpipe.pipeline.console import printable, restored
from chainpipe.pipeline.errors import NotFoundError, UsageError


def read_json_lines(path: Path, *, schema: int, hint: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects of a file, each with the words that name its line in a message.

    Names that are not UTF-8 come as ``os.fsdecode`` gives them.

    Args:
        path: The file.
        schema: The number that each object has as ``schema``.
        hint: How such a file is made.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If it cannot be read, or a line is no such object; it names the line.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file `{printable(path)}`", hint=hint) from error
    except OSError as error:
        raise UsageError(f"cannot read `{printable(path)}`: {error.strerror}", hint=hint) from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            where = f"line {number} of `{printable(path)}`"
            yield where, _object(line, schema, where, hint)


def _object(line: bytes, schema: int, where: str, hint: str) -> dict[str, Any]:
    shown = printable(line[:60])
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is no JSON: `{shown}`", hint=hint) from error
    if not isinstance(found, dict):
        raise UsageError(f"{where} is no JSON object: `{shown}`", hint=hint)
    if found.get("schema") != schema:
        told = printable(str(found.get("schema")))
        raise UsageError(f"{where} has the schema `{told}`, not {schema}", hint=hint)
    try:
        return restored(found)
    except ValueError as error:
        raise UsageError(
            f"{where} has bytes that are not hexadecimal: `{shown}`", hint=hint
        ) from error
