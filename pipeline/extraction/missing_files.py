"""Files that are gone, and files that may be on a drive that is not mounted."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MissingFiles:
    """Videos without a file.

    Attributes:
        gone: Paths of files that were deleted or moved away.
        unreachable: Paths of files whose folder is missing, empty, or leads nowhere: a drive may
            be unplugged.
    """

    gone: tuple[bytes, ...] = ()
    unreachable: tuple[bytes, ...] = ()

    def among(self, paths: Iterable[bytes]) -> MissingFiles:
        """Return those of some paths."""
        some = frozenset(paths)
        gone, unreachable = (
            tuple(path for path in found if path in some) for found in (self.gone, self.unreachable)
        )
        return MissingFiles(gone, unreachable)


def missing_files(
    root: bytes,
    paths: Sequence[bytes],
    *,
    before: Sequence[bytes] = (),
    with_folders: bool = False,
) -> MissingFiles:
    """Find which files are gone.

    A file is gone only if its own folder is there and holds something else: where the folder is
    missing, too, a drive may be unplugged whose mount point went with it. Nothing counts as gone
    where no file is left at all, or none that was known before: then another drive may be mounted
    there.

    Args:
        root: Folder that the paths are relative to, ``os.fsencode``.
        paths: All files of a store.
        before: The files that the store had before this run; without any, all are new.
        with_folders: Whether files below ``root`` are gone, too, where their folder is missing and
            one above it holds something else.
    """
    look = _Look(root, with_folders)
    missing = [path for path in paths if not _exists(os.path.join(root, path))]
    none_known = bool(before) and not any(_exists(os.path.join(root, path)) for path in before)
    if none_known or len(missing) == len(paths):
        return MissingFiles(unreachable=tuple(missing))
    gone = [path for path in missing if look.is_gone(path)]
    return MissingFiles(tuple(gone), tuple(path for path in missing if path not in set(gone)))


@dataclass(slots=True)
class _Look:
    root: bytes
    with_folders: bool
    _known: dict[bytes, bool | None] = field(default_factory=dict)

    def is_gone(self, path: bytes) -> bool:
        """Return whether the folder of a missing file, or one above it, is there and in use."""
        folder = os.path.dirname(os.path.join(self.root, path))
        inside = self.with_folders and not (os.path.isabs(path) or path.startswith(b"../"))
        while (used := self._in_use(folder)) is None:
            if not inside or len(folder) <= len(self.root):
                return False
            folder = os.path.dirname(folder)
        return used

    def _in_use(self, folder: bytes) -> bool | None:
        """Return whether a folder holds something; ``None`` if it is missing."""
        if folder not in self._known:
            self._known[folder] = _in_use(folder)
        return self._known[folder]


def _in_use(folder: bytes) -> bool | None:
    if not _exists(folder):
        return None
    try:
        return any(not name.startswith(b".") for name in os.listdir(folder))
    except OSError:  # a link that leads nowhere, or no folder, or not to be read
        return False


def _exists(path: bytes) -> bool:
    """Return whether there is something, or whether that cannot be told."""
    try:
        os.lstat(path)
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR)
    return True
