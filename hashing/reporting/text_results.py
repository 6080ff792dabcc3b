"""Answers to words as lines of JSON and as tables."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chainpipe.pipeline.console import counted, json_text, printable

from ..retrieval.codes import Codes
from .search_results import DIGITS, SCHEMA, shown_number

if TYPE_CHECKING:
    from ..retrieval.answers import FoundVideo
    from ..retrieval.text_answers import FoundByText

NULLS = ("rank", "path", "id", "distance", "similarity", "answer", "seconds")


def text_lines(
    found: Sequence[FoundByText], codes: Codes, *, distance: str
) -> Iterator[dict[str, Any]]:
    """Yield the objects that ``chainpipe search --text --json`` prints, one for each answer.

    Those of a text with words that are not known have ``unknown``, these words, and ``nearest``,
    names that are known. A text without answers has one object with null fields.
    """
    for one in found:
        head: dict[str, Any] = {"schema": SCHEMA, "query": one.match.text}
        if one.match.unknown:
            head["unknown"] = list(one.match.unknown)
            head["nearest"] = list(one.match.nearest)
        if not one.answers:
            yield head | dict.fromkeys(NULLS)
        for answer, second in zip(one.answers, one.moments, strict=True):
            yield head | {
                "rank": answer.rank,
                "path": os.fsdecode(codes.paths[answer.row]),
                "id": bytes(codes.video_ids[answer.row]).hex(),
                "distance": shown_number(answer.distance, distance),
                "similarity": round(answer.similarity, DIGITS),
                "answer": None,
                "seconds": None if math.isnan(second) else round(second, 3),
            }


def print_text_lines(found: Sequence[FoundByText], codes: Codes, *, distance: str) -> None:
    """Print one JSON object for each answer, one a line, to stdout."""
    for line in text_lines(found, codes, distance=distance):
        print(json_text(line))


def print_text_tables(found: Sequence[FoundByText], codes: Codes, *, distance: str) -> None:
    """Print a table for each text to stdout."""
    from rich.text import Text

    from .tables import print_out, text_answers_table

    for i, one in enumerate(found):
        print_out(*([""] if i else []), *(Text(line) for line in titles(one, len(codes))))
        if one.answers:
            rows = [
                _cells(answer, second, codes, distance)
                for answer, second in zip(one.answers, one.moments, strict=True)
            ]
            print_out(text_answers_table(rows))


def titles(one: FoundByText, videos: int) -> list[str]:
    """Return the lines above the answers to a text."""
    text, lines = printable(one.match.text), []
    if one.match.unknown:
        unknown = ", ".join(f"`{printable(word)}`" for word in one.match.unknown)
        nearest = ", ".join(f"`{name}`" for name in one.match.nearest)
        lines.append(f"no word near {unknown}; nearest: {nearest}")
    if one.match.direction is None:
        lines.append(f"no word in `{text}`")
    elif not one.answers:
        lines.append(f"nothing near `{text}` in {counted(videos, 'video')}")
    elif not one.match.known:
        lines.append("answers to the nearest names:")
    else:
        lines.append(f"nearest to `{text}`")
    return lines


def _cells(
    answer: FoundVideo, second: float, codes: Codes, distance: str
) -> tuple[str, str, str, str, bytes, Sequence[str]]:
    return (
        str(answer.rank),
        str(shown_number(answer.distance, distance)),
        f"{answer.similarity:.2f}",
        "" if math.isnan(second) else f"{second:.1f} s",
        codes.paths[answer.row],
        codes.names_of(answer.row),
    )
