"""Extraction in Python: from videos to a feature store."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

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

from .callback_console import CallbackConsole
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
    every: float = SamplingOptions.every,
    labels: str | os.PathLike[str] | None = None,
    dtype: Dtype = OutputOptions.dtype,
    device: str = BackboneOptions.device,
    batch: int = BackboneOptions.batch,
    half: bool = BackboneOptions.half,
    workers: int | None = None,
    threads: int = BackboneOptions.threads,
    reader: ReaderName = DecodeOptions.reader,
    strict: bool = OutputOptions.strict,
    prune: bool = OutputOptions.prune,
    prune_folders: bool = OutputOptions.prune_folders,
    retry: tuple[str, ...] = (),
    restart: bool = OutputOptions.restart,
    follow_symlinks: bool = InputOptions.follow_symlinks,
    any_suffix: bool = InputOptions.any_suffix,
    trust_weights: bool = BackboneOptions.trust_weights,
    progress: Callable[[int, int], None] | None = None,
    log: Callable[[str], None] | None = None,
) -> Store:
    """Extract frame features of videos into a store, (N, T, D), and open it.

    A second call resumes after an interruption and adds new videos; otherwise it does nothing.
    Videos that cannot be read are in ``store.failed``.

    Args:
        videos: A folder, or a list of videos: ``.csv``, ``.tsv``, ``.txt`` or ``.jsonl``.
        out: Path of the store, ``.h5`` or ``.zarr``.
        backbone: Its name: ``cnn``, ``clip:MODEL/PRETRAINED``, ``timm:NAME``, ``onnx:FILE``,
            ``st:FOLDER`` or ``hf:FOLDER``.
        frames: T, frames per video.
        by: Sampling axis: frame ``index`` or ``time``.
        sampling: Frame sampling: ``uniform``, ``segment``, ``random``, ``consecutive``, or
            ``keyframe``, the nearest key frames, which is fast.
        per_segment: Candidate frames cached for each of the T segments besides the middle.
        fit: How a frame becomes a square: ``crop``, ``squash`` or ``pad``.
        views: V, augmented views of each clip whose features are cached.
        views_mode: One augmentation for all frames of a view (``consistent``), or ``per-frame``.
        measure_augmentation: Number of videos on which feature shifts by augmentation are measured.
        seed: Random seed of frames and augmented views.
        every: Seconds between two stored frames of a video, for :func:`find_clip` in films; 0
            stores the same number of each.
        labels: ``"folders"``, so that ``videos/cat/1.mp4`` gets the label ``cat``, or a list whose
            labels and splits win over those of ``videos``; by default no labels, or those of a
            list.
        dtype: Dtype of the stored features, ``float16`` or ``float32``.
        device: Device of the backbone: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        batch: Frames per forward pass on a GPU.
        half: Whether a GPU computes in half precision.
        workers: Videos decoded in parallel; by default one per core.
        threads: CPU threads of the backbone for one video.
        reader: Video reader: ``exact``, ``linear``, ``ffmpeg``, or ``auto``, the fastest that is
            exact.
        strict: Whether partly decodable videos count as failed.
        prune: Whether to drop the rows of files that are gone.
        prune_folders: Whether to drop the rows of files whose folder is gone, too.
        retry: Failed videos to try again: ``("corrupt",)``, ``("all",)`` ...
        restart: Extract from the start.
        follow_symlinks: Whether links may lead out of the folder.
        any_suffix: Whether to take every file of the folder, whatever its suffix.
        trust_weights: Whether ``.pt`` and ``.bin`` weights may be read.
        progress: Called with the number of videos done in this run and their total.
        log: Called with lines about the run.

    Returns:
        The open store.

    Raises:
        UsageError: If a value is wrong, no video can be read, or ``out`` was made with other
            settings.
        NotFoundError: If ``videos`` does not exist.
        LockedError: If another process writes ``out``.
        DamageError: If an ``out`` to add to is damaged.
        StorageError: If ``out`` cannot be written.

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
        any_suffix=any_suffix,
        frames=frames,
        by=by,
        sampling=sampling,
        per_segment=per_segment,
        views=views,
        views_mode=views_mode,
        measure_augmentation=measure_augmentation,
        seed=seed,
        every=every,
        fit=fit,
        trust_weights=trust_weights,
        dtype=dtype,
        strict=strict,
        prune=prune,
        prune_folders=prune_folders,
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
        run_extraction(options, console=CallbackConsole(progress, log))
    except Interrupted:
        raise KeyboardInterrupt from None
    return open_store(out)
