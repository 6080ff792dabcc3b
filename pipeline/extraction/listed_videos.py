"""The videos of a run, with what was passed over told to the user."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..console import Console, counted, some_names
from ..inputs.growing import without_growing
from ..inputs.manifest import Manifest, read_manifest
from .options import ExtractOptions

STEP = 0.1  # seconds between two looks at whether to stop


def listed_videos(
    options: ExtractOptions, console: Console, *, check: Callable[[], None] = lambda: None
) -> Manifest:
    """Return the videos that the options name; the console is told what was passed over.

    Args:
        options: Of the extraction.
        console: Told what was passed over.
        check: Called often while files are waited for; what it raises ends the waiting.

    Raises:
        UsageError: As :func:`read_manifest`.
    """
    asked = options.inputs
    manifest = read_manifest(
        options.source,
        asked.labels,
        follow_symlinks=asked.follow_symlinks,
        any_suffix=asked.any_suffix,
    )
    manifest = without_growing(manifest, asked.settle, wait=lambda seconds: _wait(seconds, check))
    if manifest.growing:
        count, named = counted(len(manifest.growing), "file"), some_names(manifest.growing)
        console.log(f"{count} still being written, left for the next run: {named}")
    for note in manifest.notes:
        console.log(note)
    return manifest


def _wait(seconds: float, check: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        check()
        time.sleep(min(left, STEP))
