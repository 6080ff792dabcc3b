"""SQLite: one table of codes, and one that says what they are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ..collection import CollectionFacts
from ..rows import CodeTable

TABLES = """
CREATE TABLE codes (
  path TEXT NOT NULL, id TEXT NOT NULL, code BLOB NOT NULL, duration REAL,
  labels TEXT NOT NULL, split TEXT NOT NULL, start_seconds REAL, end_seconds REAL
);
CREATE TABLE about (facts TEXT NOT NULL);
"""
INSERT = "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


def write_sqlite(path: Path, table: CodeTable, advance: Callable[[int], None]) -> int:
    """Write rows as a new SQLite database; labels are a JSON array.

    Args:
        path: The file.
        table: The rows.
        advance: Told how many rows were written since its last call.

    Returns:
        How many rows were written.
    """
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")  # the finished file is flushed as a whole
        database.execute("PRAGMA journal_mode = OFF")
        database.executescript(TABLES)
        database.execute("INSERT INTO about VALUES (?)", [CollectionFacts.of(table).to_json()])
        for rows in table.batches():
            lines = (
                (
                    *(row.path, row.id, row.code, row.duration),
                    *(json.dumps(row.labels), row.split, row.start, row.end),
                )
                for row in rows
            )
            database.executemany(INSERT, lines)
            advance(len(rows))
        database.execute("CREATE INDEX codes_id ON codes (id)")
        database.commit()
    return len(table)
