"""The journal's database: which shards are committed, which videos failed, and the settings."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...records import FailedVideo, Status, StoreMeta
from .. import layout
from .table_checksum import SCHEMA, TableChecksum, reporting_corruption

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS shards (number INTEGER PRIMARY KEY, sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS failed (
    path BLOB PRIMARY KEY, status INTEGER NOT NULL, message BLOB NOT NULL,
    attempts INTEGER NOT NULL
) WITHOUT ROWID;
"""
_CHECKED = ("sqlite_master", "facts", "shards", "failed")
_ADDED_COLUMNS = {  # columns of `failed` that earlier versions did not have
    "command": "BLOB NOT NULL DEFAULT x''",
    "stderr": "BLOB NOT NULL DEFAULT x''",
    "video_id": "BLOB NOT NULL DEFAULT x''",
    "size": "INTEGER NOT NULL DEFAULT -1",
    "mtime_ns": "INTEGER NOT NULL DEFAULT 0",
}


@dataclass(frozen=True, slots=True)
class JournalSpec:
    """Settings that a journal was created with.

    Attributes:
        root: Folder that the paths are relative to, ``os.fsencode``.
        meta: The settings of all rows.
        restart: Whether a finished output of the same name is replaced without reading it.
        key: Drawn when the journal was started: what was made for another one is not taken.
    """

    root: bytes
    meta: StoreMeta
    restart: bool
    key: str = ""


class JournalDatabase:
    """An SQLite database in which every change is on disk when the call returns.

    Its user holds the output's lock, so no other process has it open. It keeps a rollback journal
    and no write-ahead log: a flipped bit in a log silently undoes what was committed after it.

    Args:
        path: The database, made if missing.

    Raises:
        sqlite3.Error: From every method, if the disk does not take it or the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            with reporting_corruption():
                self._checksum = self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> TableChecksum:
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        # No WAL: one flipped bit in a WAL undoes later commits without a message (measured).
        self._connection.execute("PRAGMA journal_mode = TRUNCATE")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA + SCHEMA)
        checksum = TableChecksum(self._connection, _CHECKED)  # as an earlier version wrote it
        known = {column[1] for column in self._connection.execute("PRAGMA table_info(failed)")}
        added = [(name, kind) for name, kind in _ADDED_COLUMNS.items() if name not in known]
        return self._widened(added) if added else checksum

    def _widened(self, columns: Iterable[tuple[str, str]]) -> TableChecksum:
        """Add columns to the failed videos, and a checksum of the tables as they are then."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for name, kind in columns:
                self._connection.execute(f"ALTER TABLE failed ADD COLUMN {name} {kind}")
            self._connection.execute("DELETE FROM seal")
            checksum = TableChecksum(self._connection, _CHECKED)
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise
        return checksum

    def spec(self) -> JournalSpec | None:
        """Return what the journal was started for, ``None`` in a new one."""
        facts = dict(self._connection.execute("SELECT name, value FROM facts").fetchall())
        if not facts:
            return None
        meta, root = layout.meta_of(facts)
        if "key" not in facts:  # begun by version 0.1.0
            facts["key"] = secrets.token_hex(16)
            with self._transaction():
                self._insert("facts", ("key", facts["key"]))
        return JournalSpec(root, meta, facts["anew"] == "1", facts["key"])

    def begin(self, spec: JournalSpec) -> JournalSpec:
        """Note what the journal is for; return it with its key."""
        key = secrets.token_hex(16)
        facts = {
            "settings": json.dumps(spec.meta.settings()),
            "chainpipe": spec.meta.chainpipe,
            "root": json.dumps(layout.to_text(spec.root)),
            "anew": str(int(spec.restart)),
            "key": key,
        }
        with self._transaction():
            for fact in facts.items():
                self._insert("facts", fact)
        return JournalSpec(spec.root, spec.meta, spec.restart, key)

    def shards(self) -> dict[int, str]:
        """Return the SHA-256 of each committed shard by number, oldest first."""
        return dict(self._connection.execute("SELECT number, sha256 FROM shards ORDER BY number"))

    def add(
        self, number: int, sha256: str, paths: Iterable[bytes], failed: Iterable[FailedVideo] = ()
    ) -> None:
        """Commit a shard, whose videos no longer count as failed, and failures, all or nothing."""
        with self._transaction():
            self._insert("shards", (number, sha256))
            for path in paths:
                self._delete("failed", "path", path)
            self._fail(failed)

    def drop(self, numbers: Sequence[int]) -> None:
        """Forget shards."""
        with self._transaction():
            for number in numbers:
                self._delete("shards", "number", number)

    def fail(self, failed: Iterable[FailedVideo]) -> None:
        """Note failures in place of earlier ones."""
        with self._transaction():
            self._fail(failed)

    def failed(self) -> list[FailedVideo]:
        """Return all failures, sorted by path."""
        columns = ", ".join(("path, status, message, attempts", *_ADDED_COLUMNS))
        rows = self._connection.execute(f"SELECT {columns} FROM failed ORDER BY path")
        found = []
        for path, status, message, attempts, command, stderr, *file in rows:
            words, call, said = map(layout.to_text, (message, command, stderr))
            found.append(FailedVideo(path, Status(status), words, attempts, call, said, *file))
        return found

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def _fail(self, failed: Iterable[FailedVideo]) -> None:
        for video in failed:
            self._delete("failed", "path", video.path)
            message, *words = map(layout.to_bytes, (video.message, video.command, video.stderr))
            row = (video.path, int(video.status), message, video.attempts, *words)
            self._insert("failed", (*row, video.video_id, video.size, video.mtime_ns))

    def _insert(self, table: str, row: tuple[object, ...]) -> None:
        marks = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        self._checksum.toggle(table, row)

    def _delete(self, table: str, key: str, value: object) -> None:
        rows = self._connection.execute(
            f"DELETE FROM {table} WHERE {key} = ? RETURNING *", (value,)
        )
        for row in rows.fetchall():
            self._checksum.toggle(table, row)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        before = self._checksum.value
        try:
            yield
            self._checksum.save()
            self._connection.commit()
        except BaseException:
            self._checksum.value = before
            self._connection.rollback()
            raise
