"""A table of codes in PostgreSQL: push, search, remove."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...retrieval.bitpack import U8
from ..address import DatabaseAddress
from ..code_text import bit_texts, code_of_text
from ..collection import EXACT, CollectionFacts
from ..protocol import DatabaseHit, PushCount
from ..rows import CodeRow
from .errors import postgresql_errors
from .index import build_index, drop_index, set_effort, tune
from .table import COLUMNS, comment_on, quoted

if TYPE_CHECKING:
    from psycopg import Connection

MORE = 32  # answers that an index is asked for beyond k: ties at the cut end among them


class PostgresqlCodes:
    """A table of codes; see ``CodeDatabase``.

    Args:
        connection: To its database, in autocommit mode.
        address: Of the table.
        facts: What it holds.
    """

    def __init__(
        self, connection: Connection, address: DatabaseAddress, facts: CollectionFacts
    ) -> None:
        self.facts = facts
        self.name = address.shown
        self._connection = connection
        self._plain = address.collection
        self._table = quoted(address.collection)

    def count(self) -> int:
        """Return the number of rows."""
        return int(self._all(f"SELECT count(*) FROM {self._table}")[0][0])

    def push(self, rows: Sequence[CodeRow]) -> PushCount:
        """See ``CodeDatabase.push``.

        Raises:
            StorageError: If the server does not take them.
        """
        texts = bit_texts([row.code for row in rows], self.facts.bits)
        with postgresql_errors(self.name), self._connection.transaction():
            self._connection.execute(
                f"CREATE TEMP TABLE staged (LIKE {self._table}) ON COMMIT DROP"
            )
            with (
                self._connection.cursor() as cursor,
                cursor.copy(f"COPY staged ({', '.join(COLUMNS)}) FROM STDIN") as copy,
            ):
                for row, text in zip(rows, texts, strict=True):
                    head = (row.id, row.number, row.path, text, row.duration)
                    copy.write_row((*head, list(row.labels), row.split, row.start, row.end))
            found = self._connection.execute(_upsert(self._table)).fetchone()
        new, changed = found or (0, 0)
        return PushCount(int(new), int(changed), len(rows) - int(new) - int(changed))

    def search(self, codes: U8, k: int) -> list[list[DatabaseHit]]:
        """See ``CodeDatabase.search``; in an index of cells or a graph, some answers are missed.

        Raises:
            StorageError: If the server does not answer.
        """
        texts = bit_texts([code.tobytes() for code in codes], self.facts.bits)
        if self.facts.index == EXACT:
            return [self.scan(text, k) for text in texts]
        with postgresql_errors(self.name), self._connection.transaction():
            set_effort(self._connection, self.facts, k + MORE)
            return [self._look_up(text, k) for text in texts]

    def with_id(self, digits: str, most: int) -> dict[str, bytes]:
        """See ``CodeDatabase.with_id``."""
        found = self._all(
            f"SELECT id, code::text FROM {self._table} WHERE id LIKE %s AND number = 0 "
            "ORDER BY id LIMIT %s",
            (f"{digits}%", most),
        )
        return {name: code_of_text(text) for name, text in found}

    def remove(self, ids: Sequence[str]) -> int:
        """See ``CodeDatabase.remove``."""
        with postgresql_errors(self.name):
            done = self._connection.execute(
                f"DELETE FROM {self._table} WHERE id = ANY(%s)", [list(ids)]
            )
        return done.rowcount

    def set_index(self, index: str) -> str:
        """See ``CodeDatabase.set_index``; the recall is measured on codes of the table."""
        with postgresql_errors(self.name), self._connection.transaction():
            drop_index(self._connection, self._plain)
            rows = self.count()
            self.facts, told = build_index(self._connection, self._plain, self.facts, index, rows)
            if index != EXACT and rows:
                self.facts, told = tune(self, self.facts, self._sample(), rows)
            self._connection.execute(comment_on(self._plain, self.facts))
        return told

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def scan(self, code: str, k: int) -> list[DatabaseHit]:
        """Return exact answers to one query.

        Args:
            code: Written as 0 and 1, bit 0 first.
            k: How many answers.
        """
        # Ordered by an integer, which no index of pgvector serves: each row is looked at.
        return self._hits(
            f"SELECT {_answer(self.facts.bits)} FROM {self._table} ORDER BY 1, 2, 3 LIMIT %s",
            (code, k),
        )

    def _look_up(self, code: str, k: int) -> list[DatabaseHit]:
        nearest = (
            f"SELECT * FROM {self._table} ORDER BY code <~> %s::bit({self.facts.bits}) LIMIT %s"
        )
        return self._hits(
            f"SELECT {_answer(self.facts.bits)} FROM ({nearest}) AS near ORDER BY 1, 2, 3 LIMIT %s",
            (code, code, k + MORE, k),
        )

    def _sample(self) -> list[str]:
        """Return some codes as text; ids are as good as random."""
        found = self._all(f"SELECT code::text FROM {self._table} ORDER BY id, number LIMIT 32")
        return [text for (text,) in found]

    def _hits(self, query: str, values: Sequence[object]) -> list[DatabaseHit]:
        return [DatabaseHit(*line) for line in self._all(query, values)]

    def _all(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with postgresql_errors(self.name):
            return self._connection.execute(query, values).fetchall()


def _answer(bits: int) -> str:
    """Return the columns of an answer; the query's code is their one parameter."""
    distance = f"(code <~> %s::bit({bits}))::integer"
    return f"{distance}, id, number, path, start_seconds, end_seconds"


def _upsert(table: str) -> str:
    """Return the statement that moves staged rows; those that are the same are not written."""
    values = [name for name in COLUMNS if name not in ("id", "number")]
    old = ", ".join(f"{table}.{name}" for name in values)
    new = ", ".join(f"excluded.{name}" for name in values)
    changed = ", ".join(f"{name} = excluded.{name}" for name in values)
    names = ", ".join(COLUMNS)
    return (
        f"WITH done AS (INSERT INTO {table} ({names}) SELECT {names} FROM staged "
        f"ORDER BY id, number ON CONFLICT (id, number) DO UPDATE SET {changed} "
        f"WHERE ({old}) IS DISTINCT FROM ({new}) RETURNING (xmax = 0) AS fresh) "
        "SELECT count(*) FILTER (WHERE fresh), count(*) FILTER (WHERE NOT fresh) FROM done"
    )
