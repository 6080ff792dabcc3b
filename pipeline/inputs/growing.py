"""Leave out files that are still being written: they are read when they have stopped growing."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

from .manifest import Manifest

RECENT = 600.0  # seconds for which a file is asked for who writes it
F_SETSIG = 10  # of Linux; Python has no name for it
_Facts = tuple[int, int]  # size, modification time


def without_growing(
    manifest: Manifest,
    settle: float,
    *,
    wait: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> Manifest:
    """Return the manifest without the files that grow, which it names.

    Files that were modified within the last ``settle`` seconds are looked at twice, that long
    apart. Where the system tells it, a file of the last ten minutes that a process of this machine
    has open for writing grows, too.

    Args:
        manifest: All videos.
        settle: Seconds without a change after which a file counts as finished; 0: all do.
        wait: Sleeps for some seconds.
        now: The time, seconds since 1970.
    """
    if settle <= 0:
        return manifest
    start = now()
    facts = {item.path: _facts(manifest, item.path) for item in manifest.items}
    ages = {path: start - found[1] / 1e9 for path, found in facts.items() if found}
    young = [path for path, age in ages.items() if age < settle]
    if young:
        wait(settle)
    growing = {path for path in young if _facts(manifest, path) != facts[path]}
    recent = (path for path, age in ages.items() if age < max(RECENT, settle))
    growing |= {path for path in recent if is_open_for_writing(os.path.join(manifest.root, path))}
    if not growing:
        return manifest
    left = tuple(item for item in manifest.items if item.path not in growing)
    return replace(manifest, items=left, growing=tuple(sorted(growing)))


def is_open_for_writing(path: bytes) -> bool:
    """Return whether some process of this machine writes a file, ``False`` where nobody tells.

    Linux grants a read lease only on a file that nobody has open for writing.
    https://man7.org/linux/man-pages/man2/fcntl.2.html
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # Who opens the file meanwhile makes the system send a signal: one that is ignored.
        fcntl.fcntl(handle, F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(handle)
    return False


def _facts(manifest: Manifest, path: bytes) -> _Facts | None:
    try:
        found = os.stat(os.path.join(manifest.root, path))
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
