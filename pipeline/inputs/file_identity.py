"""Identify a file: its facts in the file system, and the SHA-256 of its bytes."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ..options import InputOptions
from ..records import Status, VideoError

_CHUNK = 1 << 20
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Facts of a file that change when it is written to or replaced.

    Attributes:
        device: Number of the file system.
        inode: Number of the file in it.
        size: Bytes.
        mtime_ns: Time of the last modification, nanoseconds.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int


def identify(
    path: Path, root: Path | None = None, *, follow_symlinks: bool = InputOptions.follow_symlinks
) -> FileIdentity:
    """Return the identity of a regular file, without opening it.

    Args:
        path: The file.
        root: The folder that must contain it once all symbolic links are resolved; ``None``: any.
        follow_symlinks: Whether a link may lead out of ``root``.

    Raises:
        VideoError: ``refused`` if it is not a regular file, or outside ``root``;
            ``unreadable`` if it is missing or may not be read.
    """
    try:
        facts = os.stat(path)
    except OSError as error:
        raise _unreadable(error) from error
    kind = stat.S_IFMT(facts.st_mode)
    if kind != stat.S_IFREG:
        raise VideoError(Status.REFUSED, f"not a regular file but {_KINDS.get(kind, 'unknown')}")
    if root is not None and not follow_symlinks and not _lies_in(path, root):
        raise VideoError(Status.REFUSED, "lies outside of the input folder")
    return FileIdentity(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)


def ensure_unchanged(path: Path, before: FileIdentity) -> None:
    """Check that ``path`` is still the file that ``before`` was taken from.

    Raises:
        VideoError: ``changed`` if it is another, or was written to.
    """
    try:
        same = identify(path) == before
    except VideoError:
        same = False
    if not same:
        raise VideoError(Status.CHANGED, "the file changed while it was read")


def content_id(path: Path) -> bytes:
    """Return the SHA-256 of a file's bytes, 32 bytes.

    A file that grows meanwhile is read up to the size it had at first, so this always ends.

    Raises:
        VideoError: ``unreadable`` if it cannot be read, ``changed`` if it shrinks meanwhile.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb", buffering=0) as file:
            left = os.fstat(file.fileno()).st_size
            while left and (block := file.read(min(left, _CHUNK))):
                digest.update(block)
                left -= len(block)
    except OSError as error:
        raise _unreadable(error) from error
    if left:
        raise VideoError(Status.CHANGED, "the file changed while it was read")
    return digest.digest()


def _lies_in(path: Path, root: Path) -> bool:
    real_root = os.path.realpath(root)
    return os.path.commonpath([real_root, os.path.realpath(path)]) == real_root


def _unreadable(error: OSError) -> VideoError:
    if error.errno == errno.ELOOP:
        return VideoError(Status.REFUSED, "a symbolic link that leads back to itself")
    return VideoError(Status.UNREADABLE, (error.strerror or str(error)).lower())
