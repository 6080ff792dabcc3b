"""The working part of an extraction: every video that a store lacks, through an engine."""

from __future__ import annotations

from collections.abc import Sequence

from ..console import Talk, shown
from ..inputs.manifest import Manifest
from ..records import VideoItem
from .engines import Engine, Twins
from .output import Output
from .signals import StopRequest
from .video_reader import Job


def work(
    manifest: Manifest, outputs: Sequence[Output], engine: Engine, stop: StopRequest, talk: Talk
) -> None:
    """Read every video that a store lacks, whatever becomes of each.

    Args:
        manifest: All videos.
        outputs: The stores.
        engine: Where the work is done.
        stop: Looked at between two videos.
        talk: Where progress goes.

    Raises:
        Interrupted: If a signal asked to stop; all finished videos are committed.
        StorageError: If the disk does not take a shard.
    """
    jobs = due_jobs(manifest.items, outputs)
    if not jobs:
        return
    for output in outputs:
        if dropped := output.journal.dropped:
            names = ", ".join(dropped)
            talk.warn(f"missing or altered, and made anew: {names} of `{shown(output.out)}`")
        output.journal.renew(output.due)
    with talk.progress("extract", len(jobs)) as advance:
        while jobs:
            twins = engine.read(jobs, outputs, advance)
            left = _settle(twins, outputs, stop)
            jobs = [_job(item, stores, outputs) for item, stores in left.items()]
            advance(-len(jobs))


def due_jobs(items: Sequence[VideoItem], outputs: Sequence[Output]) -> list[Job]:
    """Return the videos that any store lacks, in the manifest's order."""
    lacking = [(item, [n for n, o in enumerate(outputs) if item.path in o.due]) for item in items]
    return [_job(item, stores, outputs) for item, stores in lacking if stores]


def _job(item: VideoItem, stores: Sequence[int], outputs: Sequence[Output]) -> Job:
    attempts = max(outputs[number].attempts(item.path) for number in stores)
    return Job(item, tuple(stores), attempts)


def _settle(
    twins: Twins, outputs: Sequence[Output], stop: StopRequest
) -> dict[VideoItem, list[int]]:
    """Copy what is known to twins; return those that must be read after all, with the stores."""
    left: dict[VideoItem, list[int]] = {}
    for number, output in enumerate(outputs):
        mine = [twin for n, twin in twins if n == number]
        for twin in output.settle(mine, stop.check):
            left.setdefault(twin.item, []).append(number)
    return left
