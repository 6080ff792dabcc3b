"""Write files atomically: to a temporary name, fsync, then one rename."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import DamageError, StorageError

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_CLEANUP_TRIES, _CLEANUP_SECONDS, _QUIET = 60, 0.03, 4  # gone for that many looks: nobody writes
_SQLITE_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SQLITE_STORAGE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Convert errors of the operating system while ``path`` is written to `StorageError`.

    Raises:
        StorageError: If the disk is full, read-only, missing or broken.
        DamageError: If the journal's database is damaged.
    """
    try:
        yield
    except OSError as error:
        raise _storage_error(path, error.errno, error.strerror or str(error)) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _SQLITE_DAMAGE:
            hint = "`--restart` builds it anew"
            raise DamageError(f"the journal of `{path}` is damaged: {error}", hint=hint) from error
        if code not in _SQLITE_STORAGE:
            raise
        number = errno.ENOSPC if code == sqlite3.SQLITE_FULL else None
        raise _storage_error(path, number, str(error)) from error


def _storage_error(path: Path, number: int | None, words: str) -> StorageError:
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        hint = "make room and run it again, without `--restart`: what is done is kept"
        return StorageError(f"no space left to write `{path}`: {words}", hint=hint)
    hint = "choose a place that exists and that you may write to"
    return StorageError(f"cannot write `{path}`: {words}", hint=hint)


@contextmanager
def atomic_replace(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; it is renamed to ``path`` on success, else deleted.

    The body may write a file or a folder there.

    Raises:
        StorageError: If ``path`` is a device or a pipe, which a rename would replace.
    """
    if _is_special(path):
        hint = "name a file; what is written takes its place by one rename"
        raise StorageError(f"`{path}` is no file, but a device or a pipe", hint=hint)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        flush(temporary)
        _rename(temporary, path)
        flush_folder(path.parent)
    except BaseException:
        _cleanup(temporary)
        raise
    with suppress(OSError):
        remove(temporary)


def _is_special(path: Path) -> bool:
    """Return whether a path leads to something else than a file or folder, as ``/dev/stdout``."""
    if path.is_symlink() and os.readlink(path).startswith("/proc/"):
        return True
    return path.exists() and not (path.is_file() or path.is_dir())


def _cleanup(path: Path) -> None:
    """Remove what a failed writer left; zarr's threads may go on writing for a moment."""
    quiet = 0
    for _ in range(_CLEANUP_TRIES):
        quiet = 0 if path.exists() else quiet + 1
        if quiet == _QUIET:
            return
        with suppress(OSError):
            remove(path)
        time.sleep(_CLEANUP_SECONDS)


def leftovers(path: Path) -> list[Path]:
    """Return the temporary names beside ``path`` that killed writers left."""
    start = f".{path.name}."
    with suppress(FileNotFoundError):
        names = os.listdir(path.parent)
        return [path.parent / n for n in names if n.startswith(start) and n.endswith(".tmp")]
    return []


def restore(path: Path) -> None:
    """Bring back the old folder if a writer was killed between its two renames."""
    aside = aside_of(path)
    if aside.exists() and not path.exists():
        aside.rename(path)
    remove(aside)


def flush(path: Path) -> None:
    """Force a file, or a folder with all that is in it, to disk."""
    if not path.is_dir():
        with open(path, "rb") as file:
            os.fsync(file.fileno())
        return
    for child in path.iterdir():
        flush(child)
    flush_folder(path)


def flush_folder(path: Path) -> None:
    """Force a folder's list of names to disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _rename(temporary: Path, path: Path) -> None:
    if not (temporary.is_dir() and path.is_dir()):
        os.replace(temporary, path)
    elif not _exchange(temporary, path):
        aside = aside_of(path)
        remove(aside)
        os.rename(path, aside)
        os.rename(temporary, path)
        remove(aside)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step, where the system can."""
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if swap is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    done: int = swap(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    return done == 0


def aside_of(path: Path) -> Path:
    """Return the path of an old folder between the two renames."""
    return path.with_name(f".{path.name}.old")
