"""Search results as lines of JSON and as tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from chainpipe.pipeline.console import counted, json_text, printable

from ..retrieval.answers import Found
from ..retrieval.codes import Codes
from ..retrieval.distance_names import HAMMING

SCHEMA = 2
DIGITS = 4  # of a real distance or a similarity


def to_json(found: Sequence[Found], codes: Codes, *, distance: str) -> Iterator[dict[str, Any]]:
    """Yield the objects that ``chainpipe search --json`` prints, one for each answer.

    A query with nothing near has one object whose other fields are null.
    """
    for one in found:
        head = {"schema": SCHEMA, "query": one.query.text}
        if not one.near:
            names = ("rank", "path", "id", "distance", "similarity", "answer")
            yield head | dict.fromkeys(names)
            continue
        for answer in one.answers:
            yield head | {
                "rank": answer.rank,
                "path": os.fsdecode(codes.paths[answer.row]),
                "id": bytes(codes.video_ids[answer.row]).hex(),
                "distance": shown_number(answer.distance, distance),
                "similarity": round(answer.similarity, DIGITS),
                "answer": answer.word,
            }


def print_lines(found: Sequence[Found], codes: Codes, *, distance: str) -> None:
    """Print one JSON object for each answer, one a line, to stdout."""
    for line in to_json(found, codes, distance=distance):
        print(json_text(line))


def print_tables(found: Sequence[Found], codes: Codes, *, distance: str) -> None:
    """Print a table for each query to stdout."""
    from rich.text import Text  # JSON does without

    from .tables import answers_table, print_out

    for i, one in enumerate(found):
        rows = [
            (
                answer.rank,
                str(shown_number(answer.distance, distance)),
                f"{answer.similarity:.2f}",
                answer.text,
                codes.paths[answer.row],
                codes.names_of(answer.row),
            )
            for answer in one.answers
        ]
        print_out(*([""] if i else []), Text(title_of(one, len(codes))))
        if rows:
            print_out(answers_table(rows))


def title_of(one: Found, videos: int) -> str:
    """Return the line above the answers to a query."""
    name = printable(one.query.text)
    if one.near:
        return f"nearest to {name}"
    if not one.answers:
        return f"nothing near {name} in {counted(videos, 'video')}"
    return f"nothing near {name}; the nearest of {counted(videos, 'video')}:"


def shown_number(distance: float, name: str) -> int | float:
    """Return a distance as it is printed: bits are whole numbers."""
    return int(distance) if name == HAMMING else round(distance, DIGITS)
