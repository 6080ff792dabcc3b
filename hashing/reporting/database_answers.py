"""Answers of a database of codes, as lines of JSON and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chainpipe.pipeline.console import json_text, printable

from ..database.protocol import DatabaseHit

SCHEMA = 1
SHOWN_DIGITS = 12  # of an id


def answer_lines(
    texts: Sequence[str], found: Sequence[Sequence[DatabaseHit]]
) -> Iterator[dict[str, Any]]:
    """Yield one object for each answer; a query without any has one whose fields are null.

    Args:
        texts: The queries as typed.
        found: Their answers.
    """
    names = ("path", "id", "distance", "start", "end")
    for text, hits in zip(texts, found, strict=True):
        head = {"schema": SCHEMA, "query": text}
        if not hits:
            yield head | dict.fromkeys(("rank", *names))
        for rank, hit in enumerate(hits, start=1):
            values = (hit.path, hit.id, hit.distance, hit.start, hit.end)
            yield head | {"rank": rank} | dict(zip(names, values, strict=True))


def print_answer_lines(texts: Sequence[str], found: Sequence[Sequence[DatabaseHit]]) -> None:
    """Print one JSON object for each answer, one a line, to stdout."""
    for line in answer_lines(texts, found):
        print(json_text(line))


def print_answer_tables(texts: Sequence[str], found: Sequence[Sequence[DatabaseHit]]) -> None:
    """Print a table for each query to stdout."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from .tables import print_out

    for number, (text, hits) in enumerate(zip(texts, found, strict=True)):
        name = printable(text)
        print_out(
            *([""] if number else []),
            Text(f"nearest to {name}" if hits else f"nothing but {name} itself"),
        )
        if not hits:
            continue
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for head in ("rank", "distance"):
            table.add_column(head, justify="right")
        for head in ("path", "time", "id") if hits[0].start is not None else ("path", "id"):
            table.add_column(head, overflow="fold")
        for rank, hit in enumerate(hits, start=1):
            span = [] if hit.start is None else [f"{hit.start:g}-{hit.end:g} s"]
            cells = [printable(hit.path), *span, hit.id[:SHOWN_DIGITS]]
            table.add_row(str(rank), str(hit.distance), *map(Text, cells))
        print_out(table)
