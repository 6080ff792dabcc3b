"""Extract single videos without a store: features of a query, thumbnail of a result."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ..backbones import Backbone, build_backbone, fingerprint_of
from ..decode import Decoder, FrameRequest
from ..errors import UsageError
from ..inputs.manifest import LIST_SUFFIXES, content_id, identify, read_manifest
from ..options import BackboneOptions, available_cpus
from ..records import FailedVideo, Frames, StoreMeta, VideoError, VideoFeatures
from .extraction_spec import ExtractionSpec
from .features import read_features
from .worker_pool import WorkerPool

ResultT = TypeVar("ResultT")
Thumbnail = npt.NDArray[np.uint8]  # (H, W, 3) RGB


def find_videos(source: Path) -> list[Path]:
    """Return the videos of a folder or a list, or the one video that ``source`` is.

    Args:
        source: A folder, a list such as ``list.csv``, or a video file.

    Raises:
        UsageError: If there is no video, or no such folder or list.
    """
    if source.is_file() and source.suffix.lower() not in LIST_SUFFIXES:
        return [source]
    manifest = read_manifest(source)
    return [manifest.path_of(item) for item in manifest.items]


def extract_features(
    paths: Sequence[Path],
    meta: StoreMeta,
    *,
    workers: int | None = None,
    threads: int = BackboneOptions.threads,
    device: str = BackboneOptions.device,
    trust_weights: bool = BackboneOptions.trust_weights,
    backbone: Backbone | None = None,
    cached: bool = False,
    pictures: bool = False,
    advance: Callable[[int], None] = lambda _: None,
) -> list[VideoFeatures | FailedVideo]:
    """Extract features of some videos exactly as a store was made, without writing one.

    Args:
        paths: The videos.
        meta: The settings of that store.
        workers: Videos decoded at a time; one a core by default.
        threads: CPU threads of the backbone for one video.
        device: As for ``build_backbone``.
        trust_weights: Whether pickled weights may be read.
        backbone: Used instead of building the store's.
        cached: Whether to extract what the store has beside T frames, too: candidates, views, or
            frames per time.
        pictures: Whether a still picture is taken, too, as a video of one frame.
        advance: Called often with the number of videos done since its last call; what it raises
            ends the work.

    Returns:
        For each path its features, or why it has none.

    Raises:
        UsageError: If the store's backbone is not to be had, or is another one now.
    """
    name = meta.fingerprint.backbone
    network = backbone or _built(name, device, threads, trust_weights)
    spec = spec_like(meta, network, cached=cached, pictures=pictures)
    return _each(paths, lambda decoder, path: _features(decoder, path, spec), workers, advance)


def spec_like(
    meta: StoreMeta, network: Backbone, *, cached: bool = False, pictures: bool = False
) -> ExtractionSpec:
    """Return how a store was made, to treat other videos the same way.

    Args:
        meta: The settings of the store.
        network: Its backbone.
        cached: As for :func:`extract_features`, like ``pictures``.
        pictures: Whether a still picture is taken, too.

    Raises:
        UsageError: If ``network`` is not the store's backbone.
    """
    fit = fit_of(meta)
    if differences := meta.fingerprint.differences(fingerprint_of(network, fit=fit)):
        listed = ", ".join(f"`{difference}`" for difference in differences)
        raise UsageError(
            f"this is not the backbone that the features were made with (then / now): {listed}",
            hint="use the same weights, or extract all videos again",
        )
    wanted = meta if cached else replace(meta, per_segment=0, views=0, every=0.0)
    spec = ExtractionSpec.of(wanted, network, fit=fit)
    return replace(spec, request=replace(spec.request, pictures=pictures))


def thumbnails(
    paths: Sequence[Path], size: int, *, workers: int | None = None
) -> list[Thumbnail | None]:
    """Return the middle frame of each video as a square, or ``None`` where there is none.

    Args:
        paths: The videos.
        size: Side in pixels.
        workers: Videos decoded at a time; one a core by default.
    """
    request = FrameRequest(frames=1, size=size, pictures=True)
    return _each(paths, lambda decoder, path: _middle(decoder, path, request), workers)


def sampled_frames(
    paths: Sequence[Path], frames: int, size: int, *, workers: int | None = None
) -> list[Frames | FailedVideo]:
    """Decode frames spread over each video; the whole picture is squeezed to a square.

    Args:
        paths: The videos.
        frames: T, how many of each.
        size: Side in pixels.
        workers: Videos decoded at a time; one a core by default.

    Returns:
        For each path its frames, or why it has none.
    """
    request = FrameRequest(frames=frames, size=size, fit="squash")
    return _each(paths, lambda decoder, path: _frames(decoder, path, request), workers)


def moments(path: Path, seconds: Sequence[float], size: int) -> list[Thumbnail | None]:
    """Return the frames of a video on the screen at some seconds, as squares; ``None`` on failure.

    Args:
        path: The video.
        seconds: Rising, counted from the first shown frame.
        size: Side in pixels.
    """
    request = FrameRequest(len(seconds), size=size, moments=tuple(seconds))

    def read(decoder: Decoder, file: Path) -> list[Thumbnail | None]:
        try:
            identify(file)
            return list(decoder.read(file, request).pixels)
        except VideoError:
            return [None] * len(seconds)

    return _each([path], read, 1)[0]


@lru_cache(maxsize=1)
def _built(name: str, device: str, threads: int, trust_weights: bool) -> Backbone:
    """Keep the last backbone: a folder of queries comes in several calls."""
    return build_backbone(name, device=device, threads=threads, trust_weights=trust_weights)


def fit_of(meta: StoreMeta) -> str:
    """Return how frames became squares, read from the preprocessing line.

    Raises:
        UsageError: If the line does not say.

    Example:
        >>> from chainpipe.pipeline.records import Fingerprint
        >>> fit_of(StoreMeta(Fingerprint("cnn", "00", 8, "size=224 fit=pad"), 25))
        'pad'
    """
    found = re.search(r"\bfit=(crop|squash|pad)\b", meta.fingerprint.preprocessing)
    if not found:
        words = f"features of `{meta.fingerprint.backbone}`, preprocessing"
        hint = "nothing here computes such features: they were made elsewhere"
        raise UsageError(f"{words} `{meta.fingerprint.preprocessing}`", hint=hint)
    return found[1]


def _features(decoder: Decoder, path: Path, spec: ExtractionSpec) -> VideoFeatures | FailedVideo:
    name = os.fsencode(path)
    try:
        before = identify(path)
        found = read_features(decoder, path, name, content_id(path), before, [spec])[0]
    except VideoError as error:
        found = error
    if isinstance(found, VideoError):
        return FailedVideo(name, found.status, str(found), 1, found.command, found.stderr)
    return found


def _frames(decoder: Decoder, path: Path, request: FrameRequest) -> Frames | FailedVideo:
    try:
        identify(path)
        return decoder.read(path, request)
    except VideoError as error:
        name = os.fsencode(path)
        return FailedVideo(name, error.status, str(error), 1, error.command, error.stderr)


def _middle(decoder: Decoder, path: Path, request: FrameRequest) -> Thumbnail | None:
    try:
        identify(path)
        return np.asarray(decoder.read(path, request).pixels[0])
    except VideoError:
        return None


def _each(
    paths: Sequence[Path],
    run_job: Callable[[Decoder, Path], ResultT],
    workers: int | None,
    advance: Callable[[int], None] = lambda _: None,
) -> list[ResultT]:
    """Process all paths in a worker pool; return the results in the paths' order."""
    by_index: dict[int, ResultT] = {}
    jobs = enumerate(paths)
    count = min(workers or available_cpus(), len(paths))

    def one(decoder: Decoder, job: tuple[int, Path]) -> tuple[int, ResultT]:
        return job[0], run_job(decoder, job[1])

    with WorkerPool(jobs, one, workers=count) as pool:
        for result in pool.results():
            by_index.update(() if result is None else [result])
            advance(result is not None)
    return [by_index[number] for number in range(len(paths))]
