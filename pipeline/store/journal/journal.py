"""Journal of an output being written: committed work survives any kill, the rest is removed.

Beside ``feats.h5`` the folder ``feats.h5.parts`` holds immutable shard files and an SQLite
database, the only truth about which of them count. A shard counts once it is flushed, renamed and
then named in the database. Units that other machines write there become shards by a rename.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ...options import OutputOptions
from ...records import FailedVideo, StoreMeta, VideoFeatures
from .. import atomic
from ..atomic import storage_errors
from ..lock import LOCK_NAME, OutputLock, release_lock
from ..open import check_suffix, parts_of
from . import recovery
from .compatibility import DATABASE, check_finished, resumed_spec
from .database import JournalDatabase, JournalSpec
from .import_unit import ImportedUnit, import_unit
from .shards import Shards
from .state import JournalState, SourceFile
from .units import START, is_unit, open_unit


class Journal:
    """What is done and what failed of one output; made by :meth:`open`, used in a ``with``.

    Attributes:
        out: The output.
        spec: What it was started for; whoever writes a unit needs it.
        restart: Whether rows of a finished output must not be reused (started by ``--restart``).
        dropped: Names of shard files that were missing or altered; their videos are to be redone.
        started_root: Folder of the videos when it was started, ``os.fsencode``.
    """

    def __init__(
        self,
        out: Path,
        lock: OutputLock,
        database: JournalDatabase,
        spec: JournalSpec,
        started_root: bytes,
    ) -> None:
        self.out = out
        self.restart = spec.restart
        self.dropped: tuple[str, ...] = ()
        self.spec = spec
        self.started_root = started_root
        self._lock = lock
        self._database = database
        self._shards = Shards(parts_of(out))
        self._state = JournalState()

    @classmethod
    def open(
        cls,
        out: Path,
        *,
        root: bytes,
        meta: StoreMeta,
        restart: bool = OutputOptions.restart,
        any_root: bool = False,
    ) -> Journal:
        """Lock an output and find what earlier runs have done for it.

        Args:
            out: The output, ``.h5`` or ``.zarr``.
            root: Folder that the paths are relative to, ``os.fsencode``.
            meta: The settings of all rows.
            restart: Forget unfinished work and, at the end, replace a finished output.
            any_root: Whether the videos may have been in another folder; the caller makes sure
                that they are the same.

        Raises:
            LockedError: If a live process writes this output; it names pid and host.
            UsageError: If finished or unfinished work has other settings, or ``out`` is
                something else than a feature store.
            DamageError: If the finished output or the database is damaged.
            StorageError: If the folder cannot be written.
        """
        check_suffix(out)
        spec = JournalSpec(root, meta, restart=restart)
        with storage_errors(out):
            lock = OutputLock(parts_of(out) / LOCK_NAME, out)
            try:
                atomic.restore(out)
                check_finished(out, spec, any_root=any_root)
                return cls._resume(out, lock, spec, any_root=any_root)
            except BaseException:
                release_lock(lock)
                raise

    @classmethod
    def _resume(cls, out: Path, lock: OutputLock, spec: JournalSpec, *, any_root: bool) -> Journal:
        if spec.restart:
            _clear(parts_of(out))
        database = JournalDatabase(parts_of(out) / DATABASE)
        try:
            resumed = resumed_spec(out, database, spec, any_root=any_root)
            journal = cls(out, lock, database, *resumed)
            journal._recover()
        except BaseException:
            database.close()
            raise
        return journal

    def done(self) -> dict[bytes, SourceFile]:
        """Return which file each finished video was read from, by path."""
        return {path: done for path, (done, _) in self._state.done.items()}

    def failed(self) -> tuple[FailedVideo, ...]:
        """Return the videos that failed and were not done since, sorted by path."""
        failed = self._state.failed
        return tuple(failed[path] for path in sorted(failed))

    def add(self, videos: Sequence[VideoFeatures]) -> None:
        """Commit finished videos; they survive any crash once this returns.

        A path that was done or failed before counts as done by this file from now on.

        Raises:
            StorageError: If the disk does not take them; nothing is changed then.
            ValueError: If a video does not fit the settings or is not finite.
        """
        if videos:
            number = self._shards.number()
            sha256 = self._shards.write(number, videos, self.spec)
            with storage_errors(self.out):
                self._database.add(number, sha256, [video.path for video in videos])
            rows = ((v.path, SourceFile(v.video_id, v.size, v.mtime_ns)) for v in videos)
            self._state.load(number, rows)

    def fail(self, video: FailedVideo) -> None:
        """Note that a video failed, in place of what was known; ``attempts`` is the caller's count.

        Raises:
            StorageError: If the disk does not take it.
        """
        with storage_errors(self.out):
            self._database.fail([video])
        self._state.fail(video)

    def await_updates(self, paths: Iterable[bytes]) -> None:
        """Say which videos are to be read although some are done, for their files have changed.

        Of several attempts at a video the first that comes back counts. Without this, a unit
        could not say that a video which is done fails now.
        """
        self._state.await_updates(paths)

    def import_unit(self, path: Path, sha256: str | None = None) -> ImportedUnit:
        """Commit a unit; its file becomes a shard, or is deleted if nothing in it is new.

        Videos that are done stay as they are, so a unit that comes twice adds nothing twice.

        Args:
            path: A file that ``write_unit`` made in this journal's folder.
            sha256: Digest that the writer reported.

        Returns:
            The new results.

        Raises:
            DamageError: If it is missing, altered or lacks its checksum.
            UsageError: If it was made for another journal, or with other settings.
            StorageError: If the disk does not take it; nothing is changed then.
        """
        with storage_errors(self.out), open_unit(path, self.spec, sha256) as unit:
            return import_unit(unit, self.spec, self._state, self._shards, self._database)

    def rows(self, paths: Sequence[bytes]) -> Iterator[VideoFeatures]:
        """Yield finished videos by path, without labels and splits, a few in memory at a time.

        Raises:
            KeyError: If a path is not done.
            DamageError: If a shard was altered since the journal was opened.
        """
        return self._shards.rows([self._state.done[path][1] for path in paths])

    def finish(self) -> None:
        """Remove the folder of parts; call it when the output has its final name."""
        self._release(keep=False)

    def close(self) -> None:
        """Release the lock; an empty journal without units leaves nothing, another one is kept."""
        waiting = next(parts_of(self.out).glob(f"{START}*.h5"), None)
        self._release(keep=bool(self._state.done or self._state.failed or waiting))

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        done, failed = len(self._state.done), len(self._state.failed)
        return f"Journal({str(self.out)!r}, {done} done, {failed} failed)"

    def _recover(self) -> None:
        """Load the state of earlier runs, and remove their temporary files."""
        parts = parts_of(self.out)
        for path in atomic.leftovers(self.out):
            atomic.remove(path)
        committed = self._database.shards()
        self._shards.reserve(committed)
        self.dropped = recovery.load(self._database, self._shards, self._state)
        for path in recovery.orphans(parts, self._shards, committed):
            if is_unit(path, self.spec):
                self.import_unit(path)
        recovery.cleanup(parts, self._database, self._shards, self._state, _is_kept)

    def _release(self, *, keep: bool) -> None:
        self._shards.close()
        with suppress(sqlite3.Error):
            self._database.close()
        if not keep and self._lock.held:
            _clear(parts_of(self.out))
        release_lock(self._lock)


def is_unfinished(out: Path) -> bool:
    """Return whether there is unfinished work beside an output."""
    return (parts_of(out) / DATABASE).exists()


def _is_kept(name: str) -> bool:
    return name.startswith((DATABASE, LOCK_NAME))


def _clear(parts: Path) -> None:
    """Remove all but the lock, the database first: without it, no shard counts."""
    for path in sorted(parts.iterdir(), key=lambda path: not path.name.startswith(DATABASE)):
        if path.name != LOCK_NAME:
            atomic.remove(path)
