"""Measure how augmentation shifts features, on a sample of a run's videos."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..augment.shift_statistics import ShiftAccumulator
from ..console import Console
from ..decode import Decoder, DecodeWorker
from ..errors import UsageError
from ..inputs.manifest import Manifest, content_id, identify
from ..records import AugmentationStatistics, FailedVideo, VideoError, raise_if_ours
from .extraction_spec import ExtractionSpec
from .features import embed, video_seed
from .finalize import FinalContents, select_rows
from .options import ExtractOptions
from .output import Output
from .signals import StopRequest
from .specs import augmentation_line
from .worker_pool import WorkerPool

VIEWS = 4  # of each sampled video, where the store caches none

Pair = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]
"""Features of a clip, (T, D), and of its views, (V, T, D)."""


def measure_augmentation(
    output: Output,
    contents: FinalContents,
    manifest: Manifest,
    options: ExtractOptions,
    earlier: AugmentationStatistics | None,
    stop: StopRequest,
    console: Console,
) -> AugmentationStatistics | None:
    """Return how augmentation moves the features of a store, measured now if that was asked for.

    Args:
        output: The store.
        contents: What it will hold.
        manifest: Lists the videos' paths.
        options: How many videos to sample, and what views are drawn from.
        earlier: What was measured before; it is returned where nothing else is asked for, nor
            more videos.
        stop: Polled often.
        console: Where progress goes.

    Raises:
        UsageError: If none of the sampled videos can be decoded.
        BugError: If an exception of our own kept all of them from being decoded.
        Interrupted: If a signal asked to stop.
    """
    line, mode = augmentation_line(options.views.augmentation), options.views.views_mode
    asked, seed = options.views.measure_augmentation, options.sampling.seed
    if not asked:
        return earlier
    sample = sample_paths(contents, asked, seed)
    same = earlier and (earlier.augmentation, earlier.mode, earlier.seed) == (line, mode, seed)
    if earlier and same and earlier.videos >= len(sample):
        return earlier
    meter, count = ShiftAccumulator(output.spec.backbone.dim), 0
    failed: list[FailedVideo] = []
    with console.progress("measure augmentation", len(sample)) as advance:
        for pair in _pairs(output, contents, manifest, options, sample):
            stop.check()
            if isinstance(pair, FailedVideo):
                failed.append(pair)
            elif pair is not None:
                meter.add(*pair)
                count += 1
                advance(1)
    if not count:
        raise_if_ours(failed)
        hint = "name a larger number, or leave `--measure-augmentation` out"
        raise UsageError(f"none of {len(sample)} sampled videos can be decoded", hint=hint)
    return meter.statistics(augmentation=line, mode=mode, seed=seed)


def sample_paths(contents: FinalContents, count: int, seed: int) -> list[bytes]:
    """Return the paths of ``count`` videos of the manifest, drawn by a hash of seed and path."""
    here = [path for path in contents.order if path in contents.items]
    return sorted(here, key=lambda path: hashlib.sha256(b"%d " % seed + path).digest())[:count]


def _pairs(
    output: Output,
    contents: FinalContents,
    manifest: Manifest,
    options: ExtractOptions,
    sample: list[bytes],
) -> Iterator[Pair | FailedVideo | None]:
    """Yield each video's features and views, or its failure; ``None`` while one takes long."""
    if output.spec.meta.views:  # they are cached already
        for row in select_rows(output.journal, output.old, contents, sample):
            assert row.views is not None
            yield row.features.astype(np.float32), row.views.astype(np.float32)
        return
    request = replace(
        output.spec.request,
        per_segment=0,
        views=VIEWS,
        views_mode=options.views.views_mode,
        augmentation=augmentation_line(options.views.augmentation),
        seed=options.sampling.seed,
    )
    spec = replace(output.spec, request=request)
    paths = [manifest.path_of(contents.items[path]) for path in sample]

    def one(decoder: Decoder, path: Path) -> Pair | FailedVideo:
        return _shifted(decoder, path, spec)

    workers, limits = min(options.engine.workers, len(paths)), options.decoding.limits
    with WorkerPool(paths, one, workers=workers, decoder=lambda: DecodeWorker(limits)) as pool:
        yield from pool.results()


def _shifted(decoder: Decoder, path: Path, spec: ExtractionSpec) -> Pair | FailedVideo:
    """Embed a clip and its views; a missing or undecodable video is skipped."""
    try:
        identify(path)
        seed = video_seed(content_id(path), spec.request.seed)
        clip, _, views = embed(decoder.read(path, replace(spec.request, seed=seed)), spec)
    except VideoError as error:
        return FailedVideo(os.fsencode(path), error.status, str(error), stderr=error.stderr)
    assert views is not None
    return clip, views
