"""The videos of a run, with what was passed over told to the user."""

from __future__ import annotations

from ..console import Console
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
    for note in manifest.notes:
        console.log(note)
    return manifest
