"""The journal's database: which shards are committed, which videos failed, and the settings."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.records import FailedVideo, Status, StoreMeta
from pipeline.store import layout

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS shards (number INTEGER PRIMARY KEY, sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS failed (
    path BLOB PRIMARY KEY, status INTEGER NOT NULL, message BLOB NOT NULL,
    attempts INTEGER NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What a journal was started for.

    Attributes:
        root: Folder that the paths are relative to, ``os.fsencode``.
        meta: The settings of all rows.
        anew: Whether a finished output of the same name is replaced without reading it.
    """

    root: bytes
    meta: StoreMeta
    anew: bool


class Ledger:
    """An SQLite database in which every change is on disk when the call returns.

    Its user holds the output's lock, so no other process has it open.

    Args:
        path: The database, made if missing.

    Raises:
        sqlite3.Error: From every method, if the disk does not take it or the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(_SCHEMA)
        except BaseException:
            self.close()
            raise

    def order(self) -> Order | None:
        """Return what the journal was started for, ``None`` in a new one."""
        facts = dict(self._base.execute("SELECT name, value FROM facts").fetchall())
        if not facts:
            return None
        meta, root = layout.meta_of(facts)
        return Order(root, meta, facts["anew"] == "1")

    def begin(self, order: Order) -> None:
        """Note what the journal is for."""
        facts = {
            "settings": json.dumps(order.meta.settings()),
            "chainpipe": order.meta.chainpipe,
            "root": json.dumps(layout.to_text(order.root)),
            "anew": str(int(order.anew)),
        }
        with self._change():
            self._base.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())

    def shards(self) -> dict[int, str]:
        """Return the SHA-256 of each committed shard by number, oldest first."""
        return dict(self._base.execute("SELECT number, sha256 FROM shards ORDER BY number"))

    def add(self, number: int, sha256: str, paths: Iterable[bytes]) -> None:
        """Commit a shard; its videos no longer count as failed."""
        with self._change():
            self._base.execute("INSERT INTO shards VALUES (?, ?)", (number, sha256))
            gone = [(path,) for path in paths]
            self._base.executemany("DELETE FROM failed WHERE path = ?", gone)

    def drop(self, numbers: Sequence[int]) -> None:
        """Forget shards."""
        with self._change():
            gone = [(number,) for number in numbers]
            self._base.executemany("DELETE FROM shards WHERE number = ?", gone)

    def fail(self, video: FailedVideo) -> None:
        """Note a failure in place of an earlier one."""
        row = video.path, int(video.status), layout.to_bytes(video.message), video.attempts
        with self._change():
            self._base.execute("INSERT OR REPLACE INTO failed VALUES (?, ?, ?, ?)", row)

    def failed(self) -> list[FailedVideo]:
        """Return all failures, sorted by path."""
        rows = self._base.execute("SELECT * FROM failed ORDER BY path")
        return [
            FailedVideo(path, Status(status), layout.to_text(message), attempts)
            for path, status, message, attempts in rows
        ]

    def close(self) -> None:
        """Close the database."""
        self._base.close()

    @contextmanager
    def _change(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.rollback()
            raise
        self._base.commit()
