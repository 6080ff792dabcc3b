"""Leave out files that are still being written: they are read when they have stopped growing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

from .manifest import Manifest

_Facts = tuple[int, int]  # size, modification time


def without_growing(
    manifest: Manifest,
    settle: float,
    *,
    wait: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> Manifest:
    """Return the manifest without the files that grow, which it names.

    Only files that were modified within the last ``settle`` seconds are looked at twice, that long
    apart.

    Args:
        manifest: All videos.
        settle: Seconds without a change after which a file counts as finished; 0: all do.
        wait: Sleeps for some seconds.
        now: The time, seconds since 1970.
    """
    if settle <= 0:
        return manifest
    start = now()
    young = {
        item.path: facts
        for item in manifest.items
        if (facts := _facts(manifest, item.path)) and start - facts[1] / 1e9 < settle
    }
    if not young:
        return manifest
    wait(settle)
    growing = {path for path, facts in young.items() if _facts(manifest, path) != facts}
    left = tuple(item for item in manifest.items if item.path not in growing)
    return replace(manifest, items=left, growing=tuple(sorted(growing)))


def _facts(manifest: Manifest, path: bytes) -> _Facts | None:
    try:
        found = os.stat(os.path.join(manifest.root, path))
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
