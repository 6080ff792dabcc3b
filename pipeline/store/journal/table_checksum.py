"""A checksum over all rows of a database: SQLite itself does not see a flipped bit in a value."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

SCHEMA = "CREATE TABLE IF NOT EXISTS seal (one INTEGER PRIMARY KEY, value BLOB NOT NULL);"
_STORAGE_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


@contextmanager
def reporting_corruption() -> Iterator[None]:
    """Call damage what altered bytes make SQLite say that is no trouble with the disk.

    Raises:
        sqlite3.DatabaseError: In place of it, with SQLite's own code for damage.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError, MemoryError, OverflowError) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _STORAGE_CODES:
            raise
        raise corruption_error(str(error)) from error


class TableChecksum:
    """The exclusive or of the SHA-256 of every row, so that a change costs its own rows only.

    A database that has none yet is given one.

    Args:
        connection: The database, in which nobody else writes.
        tables: Tables that the checksum covers.

    Attributes:
        value: The checksum of what the tables hold.

    Raises:
        sqlite3.DatabaseError: If the rows are not those that were written.
    """

    def __init__(self, connection: sqlite3.Connection, tables: Sequence[str]) -> None:
        self._connection = connection
        self.value = 0
        self._check(tables)

    def toggle(self, table: str, row: Iterable[object]) -> None:
        """Add a row to the checksum, or remove it."""
        digest = hashlib.sha256(repr((table, tuple(row))).encode()).digest()
        self.value ^= int.from_bytes(digest, "big")

    def save(self) -> None:
        """Write the checksum, in the transaction that changes the rows."""
        value = self.value.to_bytes(32, "big")
        self._connection.execute("INSERT OR REPLACE INTO seal VALUES (1, ?)", (value,))

    def _check(self, tables: Sequence[str]) -> None:
        (answer,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if answer != "ok":
            raise corruption_error(answer)
        for table in tables:
            for row in self._connection.execute(f"SELECT * FROM {table}"):
                self.toggle(table, row)
        found = self._connection.execute("SELECT value FROM seal").fetchall()
        if not found:
            self.save()
        elif found != [(self.value.to_bytes(32, "big"),)]:
            raise corruption_error("its rows are not those that were written")


def corruption_error(message: str) -> sqlite3.DatabaseError:
    """Return the error that SQLite raises where it finds damage itself."""
    error = sqlite3.DatabaseError(message)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
