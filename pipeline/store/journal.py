"""An output while it is being made: what is done survives any kill, what is not leaves no trace.

Beside ``feats.h5`` the folder ``feats.h5.parts`` holds immutable shard files and an SQLite
database, the only truth about which of them count. A shard counts once it is flushed, renamed and
then named in the database.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pipeline.records import FailedVideo, StoreMeta, VideoFeatures
from pipeline.store import atomic
from pipeline.store.agreement import DATABASE, agreed, check_finished
from pipeline.store.atomic import storing
from pipeline.store.ledger import Ledger, Order
from pipeline.store.lock import OutputLock
from pipeline.store.opening import check_suffix, parts_of
from pipeline.store.shards import Place, Shards

_LOCK = "lock"


class Done(NamedTuple):
    """The file that a finished video was read from.

    Attributes:
        video_id: SHA-256 of its bytes.
        size: Its length then, bytes.
        mtime_ns: Its modification time then.
    """

    video_id: bytes
    size: int
    mtime_ns: int


class Journal:
    """What is done and what failed of one output; made by :meth:`open`, used in a ``with``.

    Attributes:
        out: The output.
        anew: Whether rows of a finished output must not be reused (started by ``--restart``).
        dropped: Names of shard files that were missing or altered; their videos are to be redone.
    """

    def __init__(self, out: Path, lock: OutputLock, ledger: Ledger, order: Order) -> None:
        self.out = out
        self.anew = order.anew
        self.dropped: tuple[str, ...] = ()
        self._order = order
        self._lock = lock
        self._ledger = ledger
        self._shards = Shards(parts_of(out))
        self._done: dict[bytes, tuple[Done, Place]] = {}
        self._failed: dict[bytes, FailedVideo] = {}
        self._next = 1

    @classmethod
    def open(cls, out: Path, *, root: bytes, meta: StoreMeta, restart: bool = False) -> Journal:
        """Lock an output and find what earlier runs have done for it.

        Args:
            out: The output, ``.h5`` or ``.zarr``.
            root: Folder that the paths are relative to, ``os.fsencode``.
            meta: The settings of all rows.
            restart: Forget unfinished work and, at the end, replace a finished output.

        Raises:
            LockedError: If a live process writes this output; it names pid and host.
            UsageError: If finished or unfinished work has other settings, or ``out`` is
                something else than a feature store.
            DamageError: If the finished output or the database is damaged.
            StorageError: If the folder cannot be written.
        """
        check_suffix(out)
        order = Order(root, meta, anew=restart)
        with storing(out):
            lock = OutputLock(parts_of(out) / _LOCK, out)
            try:
                atomic.restore(out)
                check_finished(out, order)
                return cls._resume(out, lock, order)
            except BaseException:
                _leave(lock)
                raise

    @classmethod
    def _resume(cls, out: Path, lock: OutputLock, order: Order) -> Journal:
        if order.anew:
            _clear(parts_of(out))
        ledger = Ledger(parts_of(out) / DATABASE)
        try:
            journal = cls(out, lock, ledger, agreed(out, ledger, order))
            journal._sweep()
        except BaseException:
            ledger.close()
            raise
        return journal

    def done(self) -> dict[bytes, Done]:
        """Return which file each finished video was read from, by path."""
        return {path: done for path, (done, _) in self._done.items()}

    def failed(self) -> tuple[FailedVideo, ...]:
        """Return the videos that failed and were not done since, sorted by path."""
        return tuple(self._failed[path] for path in sorted(self._failed))

    def add(self, videos: Sequence[VideoFeatures]) -> None:
        """Commit finished videos; they survive any crash once this returns.

        A path that was done or failed before counts as done by this file from now on.

        Raises:
            StorageError: If the disk does not take them; nothing is changed then.
            ValueError: If a video does not fit the settings.
        """
        if not videos:
            return
        number = self._next
        sha256 = self._shards.write(number, videos, self._order)
        with storing(self.out):
            self._ledger.add(number, sha256, [video.path for video in videos])
        self._next += 1
        for row, video in enumerate(videos):
            self._note(video.path, Done(video.video_id, video.size, video.mtime_ns), (number, row))

    def fail(self, video: FailedVideo) -> None:
        """Note that a video failed, in place of what was known; ``attempts`` is the caller's count.

        Raises:
            StorageError: If the disk does not take it.
        """
        with storing(self.out):
            self._ledger.fail(video)
        self._failed[video.path] = video
        self._done.pop(video.path, None)

    def rows(self, order: Sequence[bytes]) -> Iterator[VideoFeatures]:
        """Yield finished videos by path, without labels and splits, a few in memory at a time.

        Raises:
            KeyError: If a path is not done.
            DamageError: If a shard was altered since the journal was opened.
        """
        return self._shards.rows([self._done[path][1] for path in order])

    def finish(self) -> None:
        """Remove the folder of parts; call it when the output has its final name."""
        self._release(keep=False)

    def close(self) -> None:
        """Release the lock; an empty journal leaves nothing behind, another one is kept."""
        self._release(keep=bool(self._done or self._failed))

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Journal({str(self.out)!r}, {len(self._done)} done, {len(self._failed)} failed)"

    def _note(self, path: bytes, done: Done, place: Place) -> None:
        self._done[path] = done, place
        self._failed.pop(path, None)

    def _sweep(self) -> None:
        """Load what counts and remove what does not: temporary files, orphans, bad shards."""
        for path in atomic.leftovers(self.out):
            atomic.remove(path)
        self._failed = {video.path: video for video in self._ledger.failed()}
        shards = self._ledger.shards()
        self._next = max(shards, default=0) + 1
        bad = [
            number for number, sha256 in shards.items() if not self._shards.whole(number, sha256)
        ]
        self.dropped = tuple(self._shards.path(number).name for number in bad)
        self._load([number for number in shards if number not in bad])
        live = {number for _, (number, _) in self._done.values()}
        self._ledger.drop([number for number in shards if number not in live])
        keep = {self._shards.path(number).name for number in live}
        for path in parts_of(self.out).iterdir():
            if path.name not in keep and not path.name.startswith((DATABASE, _LOCK)):
                atomic.remove(path)

    def _load(self, numbers: Sequence[int]) -> None:
        failed = dict(self._failed)
        for number in numbers:
            table = self._shards.videos(number)
            for row, path in enumerate(table.paths):
                size, mtime_ns = int(table.size[row]), int(table.mtime_ns[row])
                self._note(path, Done(table.ids[row].tobytes(), size, mtime_ns), (number, row))
        for path, video in failed.items():  # `add` clears a failure, so one that is left is later
            self._done.pop(path, None)
            self._failed[path] = video

    def _release(self, *, keep: bool) -> None:
        self._shards.close()
        with suppress(sqlite3.Error):
            self._ledger.close()
        if not keep and self._lock.held:
            _clear(parts_of(self.out))
        _leave(self._lock)


def _clear(parts: Path) -> None:
    """Remove all but the lock, the database first: without it, no shard counts."""
    for path in sorted(parts.iterdir(), key=lambda path: not path.name.startswith(DATABASE)):
        if path.name != _LOCK:
            atomic.remove(path)


def _leave(lock: OutputLock) -> None:
    """Give the lock back, and remove it with its folder if nothing else is in there."""
    parts = lock.path.parent
    if lock.held:
        with suppress(OSError):
            if [path.name for path in parts.iterdir()] == [_LOCK]:
                lock.path.unlink()
                parts.rmdir()
    lock.release()
