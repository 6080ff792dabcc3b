"""Estimate time and size of an extraction from a sample of its videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
from rich.table import Table

from ..console import Console, counted, format_duration, format_size
from ..decode import DecodeWorker
from ..inputs.manifest import Manifest
from ..options import EngineOptions
from ..records import StoreMeta, VideoFeatures, VideoItem
from ..store import check_suffix
from .duplicates import ContentClaims
from .engines.base import cpu_of_children
from .extraction_spec import ExtractionSpec
from .listed_videos import listed_videos
from .options import ExtractOptions
from .output import SHARD_VIDEOS, open_outputs
from .process import pending_jobs
from .signals import StopRequest
from .specs import build_backbones, extraction_specs
from .video_reader import VideoJob, VideoReader
from .worker_pool import WorkerPool

SAMPLE = 8


@dataclass(frozen=True, slots=True)
class ExtractionEstimate:
    """Estimate of the pending work: time and size.

    Attributes:
        videos: Videos that a store lacks.
        listed: All videos.
        bytes_in: Size of the videos to read.
        shards: Immutable files they make on the way.
        videos_per_shard: Most videos of one.
        sampled: Videos read to measure.
        decode_hours: CPU hours of decoding.
        backbone_hours: CPU hours of the backbones' calling threads.
        wall_hours: With the asked workers, if nothing else runs and the work splits evenly.
        workers: Videos at a time, over all machines.
        bytes_out: Size of the new rows' features.
    """

    videos: int
    listed: int
    bytes_in: int
    shards: int
    videos_per_shard: int
    sampled: int
    decode_hours: float
    backbone_hours: float
    wall_hours: float
    workers: int
    bytes_out: int


def estimate(options: ExtractOptions, *, console: Console) -> ExtractionEstimate:
    """Count what an extraction would do and measure a few of its videos; nothing is kept.

    Args:
        options: The extraction.
        console: Where progress goes.

    Raises:
        ChainpipeError: As ``extract_all`` does before it begins.
        Interrupted: If a signal asked to stop.
    """
    with StopRequest() as stop:
        for _, out in options.targets:
            check_suffix(out)
        manifest = listed_videos(options, console)
        names = [name for name, _ in options.targets]
        specs = extraction_specs(options, build_backbones(names, options.compute))
        jobs = _pending(options, manifest, specs)
        sizes = np.array([_bytes(manifest, job.item) for job in jobs], np.int64)
        chosen = [jobs[row] for row in representative_rows(sizes, SAMPLE)]
        found = _measure(chosen, manifest, options, specs, stop, console)
    return _scaled(options, jobs, sizes, [spec.meta for spec in specs], len(manifest), found)


def _pending(
    options: ExtractOptions, manifest: Manifest, specs: Sequence[ExtractionSpec]
) -> list[VideoJob]:
    if options.output.restart:  # nothing that is there counts, and nothing of it may be touched
        return [VideoJob(item, tuple(range(len(specs)))) for item in manifest.items]
    outs = [out for _, out in options.targets]
    with open_outputs(outs, manifest, specs, retry=options.retry) as outputs:
        return pending_jobs(manifest.items, outputs)


def representative_rows(sizes: np.ndarray[tuple[int], np.dtype[np.int64]], count: int) -> list[int]:
    """Return rows with representative sizes: the middles of ``count`` equal runs of the sorted.

    >>> representative_rows(np.array([5, 1, 9, 7]), 2)
    [0, 2]
    """
    order = np.argsort(sizes, kind="stable")
    count = min(count, len(order))
    return [int(order[(2 * i + 1) * len(order) // (2 * count)]) for i in range(count)]


class _Measured(NamedTuple):
    """Videos that were read, CPU seconds of decoding and of the backbones, frames of a video."""

    sampled: int
    decode: float
    backbone: float
    frames: float


def _measure(
    jobs: Sequence[VideoJob],
    manifest: Manifest,
    options: ExtractOptions,
    specs: Sequence[ExtractionSpec],
    stop: StopRequest,
    console: Console,
) -> _Measured:
    if not jobs:
        return _Measured(0, 0.0, 0.0, 0.0)
    frames = []
    reader = VideoReader(
        manifest.root,
        specs,
        [ContentClaims() for _ in specs],
        follow_symlinks=options.inputs.follow_symlinks,
    )
    limits = options.decoding.limits
    workers, before = min(options.engine.workers, len(jobs)), cpu_of_children()
    with (
        console.progress("measure", len(jobs)) as advance,
        WorkerPool(jobs, reader, workers=workers, decoder=lambda: DecodeWorker(limits)) as pool,
    ):
        for outcomes in pool.results():
            advance(outcomes is not None)
            made = (outcomes or {}).values()
            frames += [len(one.features) for one in made if isinstance(one, VideoFeatures)]
            stop.check()
    backbone = sum(spec.clock.seconds for spec in specs)
    mean = sum(frames) / len(frames) if frames else 0.0
    return _Measured(len(jobs), cpu_of_children() - before, backbone, mean)


def _scaled(
    options: ExtractOptions,
    jobs: Sequence[VideoJob],
    sizes: np.ndarray[tuple[int], np.dtype[np.int64]],
    metas: Sequence[StoreMeta],
    listed: int,
    measured: _Measured,
) -> ExtractionEstimate:
    sampled, decode, backbone, per_time = measured
    scale = len(jobs) / sampled / 3600 if sampled else 0.0
    local = options.engine.engine == "local"
    per_shard = SHARD_VIDEOS if local else options.engine.unit_videos
    machines = 1 if local else _machines(options.engine)
    workers = options.engine.workers * machines
    sampling = options.sampling
    clip = sampling.frames * (1 + sampling.per_segment + options.views.views)
    width = 2 if options.output.dtype == "float16" else 4
    if sampling.every:
        clip = round(per_time)
    row = [clip * width * meta.fingerprint.dim for meta in metas]
    stores = [sum(number in job.stores for job in jobs) for number in range(len(metas))]
    return ExtractionEstimate(
        videos=len(jobs),
        listed=listed,
        bytes_in=int(sizes.sum()),
        shards=sum(ceil(count / per_shard) for count in stores),
        videos_per_shard=per_shard,
        sampled=sampled,
        decode_hours=decode * scale,
        backbone_hours=backbone * scale,
        wall_hours=(decode + backbone) * scale / workers,
        workers=workers,
        bytes_out=sum(count * each for count, each in zip(stores, row, strict=True)),
    )


def _machines(engine: EngineOptions) -> int:
    settings = dict(engine.engine_options)
    words = settings.get("jobs", "8"), settings.get("tasks", "1")
    word = words[engine.engine == "ray"]
    return int(word) if word.isdigit() and int(word) else 1


def _bytes(manifest: Manifest, item: VideoItem) -> int:
    try:
        return manifest.path_of(item).stat().st_size
    except OSError:
        return 0


def estimate_table(found: ExtractionEstimate) -> Table:
    """Draw an estimate."""
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_row("videos to read", f"{found.videos} of {found.listed}")
    table.add_row("their size", format_size(found.bytes_in))
    table.add_row("shards", f"{found.shards} of {counted(found.videos_per_shard, 'video')} at most")
    table.add_row("new features", format_size(found.bytes_out))
    table.add_section()
    table.add_row("read to measure", counted(found.sampled, "video"))
    table.add_row("decoding", f"{format_duration(found.decode_hours * 3600)} of CPU")
    table.add_row("backbone", f"{format_duration(found.backbone_hours * 3600)} of CPU")
    table.add_row(
        f"with {counted(found.workers, 'worker')}",
        f"about {format_duration(found.wall_hours * 3600)}",
    )
    return table
