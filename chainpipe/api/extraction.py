"""Extraction in Python: from videos to a feature store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chainpipe.pipeline.console import Console
from chainpipe.pipeline.extraction.extract import extract as run_extraction
from chainpipe.pipeline.extraction.option_values import failures_named, labels_named
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.signals import Interrupted
from chainpipe.pipeline.options import (
    BACKBONE,
    BackboneOptions,
    By,
    DecodeOptions,
    Dtype,
    Fit,
    InputOptions,
    OutputOptions,
    ReaderName,
    SamplingOptions,
    ViewOptions,
    ViewsMode,
    available_cpus,
)

from .store import Store, open_store


def extract(
    videos: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    backbone: str = BACKBONE,
    frames: int = SamplingOptions.frames,
    by: By = SamplingOptions.by,
    sampling: str = SamplingOptions.sampling,
    per_segment: int = SamplingOptions.per_segment,
    fit: Fit = DecodeOptions.fit,
    views: int = ViewOptions.views,
    views_mode: ViewsMode = ViewOptions.views_mode,
    measure_augmentation: int = ViewOptions.measure_augmentation,
    seed: int = SamplingOptions.seed,
    labels: str | os.PathLike[str] | None = None,
    dtype: Dtype = OutputOptions.dtype,
    device: str = BackboneOptions.device,
    batch: int = BackboneOptions.batch,
    half: bool = BackboneOptions.half,
    workers: int | None = None,
    threads: int = BackboneOptions.threads,
    reader: ReaderName = DecodeOptions.reader,
    strict: bool = OutputOptions.strict,
    retry: tuple[str, ...] = (),
    restart: bool = OutputOptions.restart,
    follow_symlinks: bool = InputOptions.follow_symlinks,
    trust_weights: bool = BackboneOptions.trust_weights,
    progress: Callable[[int, int], None] | None = None,
    log: Callable[[str], None] | None = None,
) -> Store:
    """Turn videos into a store of frame features, and open it.

    Calling it again continues after an interruption, adds new videos, and does nothing if there is
    nothing to do. Videos that cannot be read are in ``store.failed``.

    Args:
        videos: A folder, or a ``.csv`` or ``.jsonl`` list of videos.
        out: The store to make, ``.h5`` or ``.zarr``.
        backbone: The image network: ``cnn``, or ``clip:MODEL/PRETRAINED``.
        frames: T, frames of each video.
        by: Whether they are spread over frames (``index``) or over ``time``.
        sampling: How they are chosen: ``uniform``, ``segment``, ``random``, ``consecutive``, or
            ``keyframe``, the nearest key frames, which is fast.
        per_segment: Frames cached for each of the T segments beside the middle.
        fit: How a frame becomes a square: ``crop``, ``squash`` or ``pad``.
        views: V, augmented copies of each clip whose features are cached.
        views_mode: One draw for all frames of a copy (``consistent``), or one ``per-frame``.
        measure_augmentation: On how many videos to measure how augmentation moves features.
        seed: Of random frames and copies.
        labels: ``"folders"``, so that ``videos/cat/1.mp4`` gets the label ``cat``, or a list whose
            labels and splits win over those of ``videos``; by default no labels, or those of a
            list.
        dtype: Of the stored features, ``float16`` or ``float32``.
        device: Where the backbone runs: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        batch: Frames of one pass on a GPU.
        half: Whether a GPU computes in half precision.
        workers: Videos decoded at a time; by default one a core.
        threads: CPU threads of the backbone for one video.
        reader: Which reader decodes: ``exact``, ``linear``, ``ffmpeg``, or ``auto``, the fastest
            that is right.
        strict: Whether partly decodable videos count as failed.
        retry: Failed videos to try again: ``("corrupt",)``, ``("all",)`` ...
        restart: Build the store anew.
        follow_symlinks: Whether links may lead out of the folder.
        trust_weights: Whether ``.pt`` and ``.bin`` weights may be read.
        progress: Told how many videos of this run are through, and how many there are.
        log: Told lines about the run.

    Returns:
        The open store.

    Raises:
        UsageError: If a value is wrong, no video can be read, or ``out`` was made with other
            settings.
        NotFoundError: If ``videos`` does not exist.
        LockedError: If another process writes ``out``.
        DamageError: If an ``out`` to add to is damaged.
        StorageError: If the disk does not take it.

    Example:
        >>> import chainpipe
        >>> store = chainpipe.extract("videos/", "feats.h5", frames=12)  # doctest: +SKIP
        >>> try:
        ...     chainpipe.extract("videos/", "feats.mp4")
        ... except chainpipe.UsageError as error:
        ...     print(error, "|", error.hint)
        no store format for `feats.mp4` | a feature store ends in `.h5` or `.zarr`
    """
    options = ExtractOptions.of(
        Path(videos),
        Path(out),
        backbone=backbone,
        labels=labels_named(labels) if isinstance(labels, str | None) else Path(labels),
        follow_symlinks=follow_symlinks,
        frames=frames,
        by=by,
        sampling=sampling,
        per_segment=per_segment,
        views=views,
        views_mode=views_mode,
        measure_augmentation=measure_augmentation,
        seed=seed,
        fit=fit,
        trust_weights=trust_weights,
        dtype=dtype,
        strict=strict,
        retry=failures_named(retry),
        restart=restart,
        workers=workers or available_cpus(),
        threads=threads,
        device=device,
        batch=batch,
        half=half,
        reader=reader,
    )
    try:
        run_extraction(options, console=_CallbackConsole(progress, log))
    except Interrupted:
        raise KeyboardInterrupt from None
    return open_store(out)


class _CallbackConsole(Console):
    """Tells callbacks what the command would print."""

    def __init__(
        self, progress: Callable[[int, int], None] | None, log: Callable[[str], None] | None
    ) -> None:
        super().__init__(quiet=True)
        self._progress, self._log = progress, log

    def log(self, line: str) -> None:
        if self._log is not None:
            self._log(line)

    def warn(self, line: str) -> None:
        self.log(f"warning: {line}")

    @contextmanager
    def progress(self, title: str, total: int | None) -> Iterator[Callable[[int], None]]:
        done = 0

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            if self._progress is not None:
                self._progress(done, total or done)

        yield advance
