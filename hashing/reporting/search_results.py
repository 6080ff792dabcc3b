"""Search results as JSON and as tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from chainpipe.pipeline.console import printable

from ..retrieval.codes import Codes
from ..retrieval.query import Query
from ..retrieval.search import Answer


@dataclass(frozen=True, slots=True)
class Found:
    """One query and its answers.

    Attributes:
        query: The query.
        left_out: Rows that are excluded from the answers: the query's own.
        answers: Nearest first.
    """

    query: Query
    left_out: tuple[int, ...]
    answers: Sequence[Answer]


def to_json(found: Sequence[Found], codes: Codes, *, method: str) -> dict[str, object]:
    """Return the object that ``chainpipe search --json`` prints."""
    queries = [
        {
            "query": one.query.text,
            "rows": list(one.query.rows),
            "left_out": list(one.left_out),
            "answers": [_answer_json(answer, codes) for answer in one.answers],
        }
        for one in found
    ]
    head: dict[str, object] = {"schema": 1, "method": method, "bits": codes.bits}
    return head | {"database": len(codes), "queries": queries}


def print_tables(found: Sequence[Found], codes: Codes) -> None:
    """Print a table for each query to stdout."""
    from .tables import answers_table, print_out  # JSON does without

    for i, one in enumerate(found):
        rows = [
            (a.rank, a.distance, codes.paths[a.row], codes.names_of(a.row)) for a in one.answers
        ]
        space = [""] if i else []
        print_out(*space, answers_table(f"nearest to {printable(one.query.text)}", rows))


def _answer_json(answer: Answer, codes: Codes) -> dict[str, object]:
    return {
        "rank": answer.rank,
        "distance": answer.distance,
        "row": answer.row,
        "id": bytes(codes.video_ids[answer.row]).hex(),
        "path": os.fsdecode(codes.paths[answer.row]),
        "labels": list(codes.names_of(answer.row)),
    }
