"""Process every video that a store lacks, through an engine."""

from __future__ import annotations

from collections.abc import Sequence

from ..console import Console, printable
from ..inputs.manifest import Manifest
from ..records import VideoItem
from .engines import Duplicates, Engine
from .output import Output
from .signals import StopRequest
from .video_reader import VideoJob


def process_videos(
    manifest: Manifest,
    outputs: Sequence[Output],
    engine: Engine,
    stop: StopRequest,
    console: Console,
) -> None:
    """Read every video that a store lacks, whatever becomes of each.

    Args:
        manifest: All videos.
        outputs: The stores.
        engine: Where the work is done.
        stop: Polled between two videos.
        console: Where progress goes.

    Raises:
        Interrupted: If a signal asked to stop; all finished videos are committed.
        StorageError: If the disk does not take a shard.
    """
    jobs = pending_jobs(manifest.items, outputs)
    if not jobs:
        return
    for output in outputs:
        if dropped := output.journal.dropped:
            names = ", ".join(dropped)
            console.warn(f"missing or altered, and made anew: {names} of `{printable(output.out)}`")
        output.journal.await_updates(output.pending)
    with console.progress("extract", len(jobs)) as advance:
        while jobs:
            duplicates = engine.read(jobs, outputs, advance)
            left = _resolve_duplicates(duplicates, outputs, stop)
            jobs = [_job(item, stores, outputs) for item, stores in left.items()]
            advance(-len(jobs))


def pending_jobs(items: Sequence[VideoItem], outputs: Sequence[Output]) -> list[VideoJob]:
    """Return the videos that any store lacks, in the manifest's order."""
    pending = [
        (item, [n for n, o in enumerate(outputs) if item.path in o.pending]) for item in items
    ]
    return [_job(item, stores, outputs) for item, stores in pending if stores]


def _job(item: VideoItem, stores: Sequence[int], outputs: Sequence[Output]) -> VideoJob:
    attempts = max(outputs[number].attempts(item.path) for number in stores)
    return VideoJob(item, tuple(stores), attempts)


def _resolve_duplicates(
    duplicates: Duplicates, outputs: Sequence[Output], stop: StopRequest
) -> dict[VideoItem, list[int]]:
    """Copy features to duplicates; return those that must be decoded, with the stores."""
    left: dict[VideoItem, list[int]] = {}
    for number, output in enumerate(outputs):
        mine = [duplicate for n, duplicate in duplicates if n == number]
        for duplicate in output.resolve_duplicates(mine, stop.check):
            left.setdefault(duplicate.item, []).append(number)
    return left
