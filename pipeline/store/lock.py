"""Lock an output for one writer: the lock file names its holder and ends with its process."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import LockedError, StorageError
from .open import parts_of

LOCK_NAME = "lock"
_BUSY = (errno.EAGAIN, errno.EACCES)


class OutputLock:
    """The right to write one output, held from construction to :meth:`release`.

    The system takes the lock back when the process ends, however it ends. Programs started
    meanwhile do not inherit it, and forked children close it at once.

    Args:
        path: The lock file; its folder is made if missing.
        out: What is locked, for messages.

    Raises:
        LockedError: If a live process holds it; it names pid and host.
        OSError: If the folder cannot be written.
        StorageError: If the file system has no locks.
    """

    def __init__(self, path: Path, out: Path) -> None:
        self.path = path
        self._handle = _take(path, out)
        _held.add(self)
        holder = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
        try:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, holder.encode(), 0)
        except OSError:
            self.release()
            raise

    @property
    def held(self) -> bool:
        """Return whether the lock was not given back yet."""
        return self._handle >= 0

    def release(self) -> None:
        """Release the lock; a second call does nothing."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


@contextmanager
def output_lock(out: Path) -> Iterator[None]:
    """Hold the lock of an output.

    Raises:
        LockedError: As :class:`OutputLock`; so do the others.
    """
    lock = OutputLock(parts_of(out) / LOCK_NAME, out)
    try:
        yield
    finally:
        release_lock(lock)


def release_lock(lock: OutputLock) -> None:
    """Release a lock; remove it, and its folder if empty."""
    parts = lock.path.parent
    if lock.held:
        with suppress(OSError):
            if [path.name for path in parts.iterdir()] == [LOCK_NAME]:
                lock.path.unlink()
                parts.rmdir()
    lock.release()


_held: weakref.WeakSet[OutputLock] = weakref.WeakSet()


def _close_in_child() -> None:
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_close_in_child)


def _take(path: Path, out: Path) -> int:
    """Lock the file that now has the name; one that was removed meanwhile counts for nothing."""
    while True:
        path.parent.mkdir(exist_ok=True)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            continue  # its holder finished and removed the folder
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_named(handle, path):
                return handle
        except OSError as error:
            os.close(handle)
            _refuse(error, path, out)
            raise
        os.close(handle)


def _is_named(handle: int, path: Path) -> bool:
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(handle), named)


def _refuse(error: OSError, path: Path, out: Path) -> None:
    if error.errno in _BUSY:
        hint = "wait until it has finished, or stop it"
        raise LockedError(f"`{out}` is being written by {_holder(path)}", hint=hint) from error
    if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
        hint = "write to a local disk, then copy the finished store"
        raise StorageError(f"the file system of `{out}` has no locks", hint=hint) from error


def _holder(path: Path) -> str:
    """Return who wrote the lock file; a new holder needs a moment to write it."""
    for _ in range(20):
        try:
            facts = json.loads(path.read_bytes())
            return f"process {facts['pid']} on host {facts['host']}"
        except (OSError, ValueError, KeyError, TypeError):
            time.sleep(0.01)
    return "another process"
