"""pgvector's indexes over codes: cells (ivfflat) and a graph (hnsw), tuned by measured recall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from chainpipe.pipeline.console import counted

from ...retrieval.bitpack import U8
from ...retrieval.ivf import AT, LEAST
from ..code_text import code_of_text
from ..collection import EXACT, IVF, CollectionFacts
from ..protocol import DatabaseHit
from .table import quoted

if TYPE_CHECKING:
    from psycopg import Connection

MOST_CELLS = 32_768  # of ivfflat
FIRST_CANDIDATES, MOST_CANDIDATES = 40, 1000  # of hnsw
MEMORY = "512MB"  # to build an index in


class SearchedTable(Protocol):
    """A table that answers with and without its index."""

    facts: CollectionFacts

    def search(self, codes: U8, k: int) -> list[list[DatabaseHit]]:
        """Return answers by the index."""
        ...

    def scan(self, code: str, k: int) -> list[DatabaseHit]:
        """Return exact answers."""
        ...


def drop_index(connection: Connection, table: str) -> None:
    """Drop the index of a table that :func:`build_index` made, if there is one."""
    found = connection.execute(
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON oid = indexrelid "
        "WHERE indrelid = to_regclass(%s) AND relname = %s",
        (quoted(table), name_of_index(table)),
    ).fetchall()
    for (name,) in found:
        connection.execute(f"DROP INDEX {name}")


def name_of_index(table: str) -> str:
    """Return the name of the index over the codes of a table.

    >>> name_of_index("media.clips")
    'clips_code'
    """
    return f"{table.rpartition('.')[2]}_code"


def build_index(
    connection: Connection, table: str, facts: CollectionFacts, index: str, rows: int
) -> tuple[CollectionFacts, str]:
    """Build an index in the current transaction.

    Args:
        connection: To the database.
        table: Its name.
        facts: What it holds.
        index: ``exact`` builds none.
        rows: How many rows it has.

    Returns:
        What the table holds now, and what to tell.
    """
    if index == EXACT:
        return replace(facts, index=EXACT, effort=0), ""
    connection.execute(f"SET LOCAL maintenance_work_mem = '{MEMORY}'")
    how = f"ivfflat (code bit_hamming_ops) WITH (lists = {cells(rows)})"
    if index != IVF:
        how = "hnsw (code bit_hamming_ops)"
    connection.execute(f'CREATE INDEX "{name_of_index(table)}" ON {quoted(table)} USING {how}')
    effort = 1 if index == IVF else FIRST_CANDIDATES
    return replace(facts, index=index, effort=effort), f"index {index} of no rows"


def cells(rows: int) -> int:
    """Return the number of cells of a table: the square root of its rows.

    >>> cells(0), cells(1_000_000)
    (1, 1000)
    """
    return max(1, min(MOST_CELLS, round(math.sqrt(rows))))


def set_effort(connection: Connection, facts: CollectionFacts, answers: int) -> None:
    """Say in the current transaction how far a search in the index goes.

    Args:
        connection: To the database.
        facts: Of the table.
        answers: How many a search asks for.
    """
    if facts.index == IVF:
        connection.execute(f"SET LOCAL ivfflat.probes = {facts.effort}")
        connection.execute("SET LOCAL ivfflat.iterative_scan = relaxed_order")
    else:
        candidates = min(MOST_CANDIDATES, max(facts.effort, answers))
        connection.execute(f"SET LOCAL hnsw.ef_search = {candidates}")
        connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
    connection.execute("SET LOCAL enable_seqscan = off")


def tune(
    table: SearchedTable, facts: CollectionFacts, asked: Sequence[str], rows: int
) -> tuple[CollectionFacts, str]:
    """Double the effort until the recall on codes of the table is high enough.

    Args:
        table: The table; its facts are set to what is tried.
        facts: What it holds.
        asked: Codes to ask with, written as 0 and 1.
        rows: How many rows it has.

    Returns:
        The facts with the effort that was found, and the recall in words.
    """
    most = cells(rows) if facts.index == IVF else MOST_CANDIDATES
    exact = [table.scan(code, AT) for code in asked]
    codes = np.array([list(code_of_text(code)) for code in asked], np.uint8)
    while True:
        table.facts = facts
        recall = recall_of_hits(table.search(codes, AT), exact)
        if recall >= LEAST or facts.effort >= most:
            what = counted(facts.effort, "cell" if facts.index == IVF else "candidate")
            words = f"index {facts.index}, {what} looked at: "
            return facts, words + f"recall@{AT} {recall:.3f} on these codes"
        facts = replace(facts, effort=min(2 * facts.effort, most))


def recall_of_hits(
    found: Sequence[Sequence[DatabaseHit]], exact: Sequence[Sequence[DatabaseHit]]
) -> float:
    """Return the part of exact answers that are found; one as near as the last counts.

    Example:
        >>> near, far = (DatabaseHit(d, "", 0, "", None, None) for d in (1, 5))
        >>> recall_of_hits([[near, far]], [[near, near]])
        0.5
    """
    good = total = 0
    for some, right in zip(found, exact, strict=True):
        total += len(right)
        good += sum(one.distance <= right[-1].distance for one in some[: len(right)])
    return good / total if total else 1.0
