"""The videos of a run, with what was passed over told to the user."""

from __future__ import annotations

from ..console import Console, counted, some_names
from ..inputs.growing import without_growing
from ..inputs.manifest import Manifest, read_manifest
from .options import ExtractOptions


def listed_videos(options: ExtractOptions, console: Console) -> Manifest:
    """Return the videos that the options name; the console is told what was passed over.

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
    manifest = without_growing(manifest, asked.settle)
    if manifest.growing:
        count, named = counted(len(manifest.growing), "file"), some_names(manifest.growing)
        console.log(f"{count} still being written, left for the next run: {named}")
    for note in manifest.notes:
        console.log(note)
    return manifest
