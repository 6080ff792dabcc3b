"""Stage one itself: a folder of videos to feature stores, resumable at any moment."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..backbones import Backbone
from ..console import Console, counted, printable, some_names
from ..decode.sandbox.platform import missing_limits
from ..errors import UsageError
from ..inputs.manifest import Manifest
from ..records import FailedVideo, count_statuses, raise_if_ours
from ..store import bytes_on_disk, check_suffix, open_store
from . import finalize
from .engines import build_engine
from .extraction_spec import ExtractionSpec
from .known_failures import new_failures
from .listed_videos import listed_videos
from .measure_shift import measure_augmentation
from .missing_files import MissingFiles, missing_files
from .options import ExtractOptions
from .output import Output, open_outputs
from .process import process_videos
from .report import ExtractReport, write_failures
from .signals import StopRequest
from .specs import build_backbones, extraction_specs
from .store_inputs import inputs_line


def extract(
    options: ExtractOptions, *, console: Console | None = None, backbone: Backbone | None = None
) -> ExtractReport:
    """Extract with one backbone, see :func:`extract_all`; ``backbone`` is used instead of its name.

    Raises:
        ChainpipeError: As :func:`extract_all` does.
        Interrupted: If a signal asked to stop.
    """
    backbones = None if backbone is None else [backbone]
    return extract_all(options, console=console, backbones=backbones)[0]


def extract_all(
    options: ExtractOptions,
    *,
    console: Console | None = None,
    backbones: Sequence[Backbone] | None = None,
) -> list[ExtractReport]:
    """Extract the features of all videos that a store lacks, and write the stores.

    Finished work survives any crash in ``<out>.parts``; running it again continues, adds new
    videos to a finished store, and does nothing if there is nothing to do. SIGINT and SIGTERM
    stop it between two videos. Several backbones share one decode.

    Args:
        options: What to extract, and how.
        console: Where progress goes; nowhere by default.
        backbones: Used instead of building those of ``options``.

    Returns:
        For each store what was done and what it holds.

    Raises:
        BugError: If an exception of our own kept every video from being read.
        UsageError: If an option is wrong, there is no video that can be read, or an output was
            made with other settings.
        NotFoundError: If the source does not exist.
        LockedError: If another process writes the same output.
        DamageError: If an output to add to is damaged.
        StorageError: If the disk does not take it.
        Interrupted: If a signal asked to stop.
    """
    console = console or Console(quiet=True)
    start = time.monotonic()
    with StopRequest() as stop, ExitStack() as at_end:
        for _, out in options.targets:
            check_suffix(out)
        manifest = listed_videos(options, console, check=stop.check)
        stop.check()
        if weaker := missing_limits():
            console.warn(weaker)
        names = [name for name, _ in options.targets]
        networks = backbones or build_backbones(names, options.compute)
        at_end.callback(_close, () if backbones else networks)
        specs = extraction_specs(options, networks)
        _tell_segments(specs, console)
        engine = build_engine(options, manifest.root, stop, console)
        with open_outputs(
            [out for _, out in options.targets],
            manifest,
            specs,
            retry=options.retry,
            restart=options.output.restart,
            log=console.log,
        ) as outputs:
            process_videos(manifest, outputs, engine, stop, console)
            outcomes = [_finish(output, manifest, options, stop, console) for output in outputs]
    seconds = time.monotonic() - start
    return [
        _report(output, outcome, options, manifest, seconds, engine.decode_seconds)
        for output, outcome in zip(outputs, outcomes, strict=True)
    ]


def _is_elsewhere(before: bytes, now: bytes) -> bool:
    """Return whether the videos came from another folder, which is not there now."""
    return before != now and not os.path.lexists(before)


def _tell_segments(specs: Sequence[ExtractionSpec], console: Console) -> None:
    """Say how many frames video encoders read of each video: T is rarely meant to be 25 then."""
    for spec in specs:
        if spec.frames_per_feature > 1:
            count, each = spec.meta.frames, spec.frames_per_feature
            segments = f"{counted(count, 'segment')} of {each} frames"
            console.log(f"{segments}: {count * each} frames of each video (`--frames`)")


def _close(backbones: Sequence[Backbone]) -> None:
    for backbone in backbones:
        backbone.close()


class _Outcome(NamedTuple):
    """What a store holds in the end, whether it was written, and what it lost or lacks."""

    contents: finalize.FinalContents
    written: bool
    pruned: int
    missing: MissingFiles


def _finish(
    output: Output, manifest: Manifest, options: ExtractOptions, stop: StopRequest, console: Console
) -> _Outcome:
    """Write the store unless it is unchanged."""
    journal, old = output.journal, output.old
    contents = finalize.plan_contents(manifest, journal, old)
    pruned: tuple[bytes, ...] = ()
    missing = MissingFiles()
    prune = options.output.prune or options.output.prune_folders
    lost = {video.path: video for video in contents.unnamed_failures(old)}
    if prune or contents.unnamed or lost:
        missing = missing_files(
            manifest.root,
            [*contents.order, *lost],
            before=() if old is None else old.videos.paths,
            with_folders=options.output.prune_folders,
        )
    if missing.gone and old is not None and _is_elsewhere(old.root, manifest.root):
        # What was not copied from a drive that is unplugged now is not gone.
        missing = MissingFiles(unreachable=(*missing.gone, *missing.unreachable))
    away = {*missing.unreachable, *manifest.growing}
    kept = tuple(video for path, video in lost.items() if path in away)
    contents = replace(contents, failed=(*contents.failed, *kept))
    missing = missing.among(contents.order)
    if prune and missing.gone:
        pruned = missing.gone
        dropped = f"{counted(len(pruned), 'row')} of files that are gone"
        console.log(f"dropped from `{printable(output.out)}`: {dropped}: {some_names(pruned)}")
        contents = contents.without(pruned)
    missing = missing.among(contents.unnamed)
    if not contents.order:
        journal.finish()
        _raise_if_ours(output.out, contents.failed)
        raise _nothing_readable(contents.failed)
    earlier = None if old is None else old.augmentation()
    statistics = measure_augmentation(output, contents, manifest, options, earlier, stop, console)
    fresh = statistics is not earlier
    if old is not None and finalize.is_unchanged(
        old, contents, root=manifest.root, augmentation_changed=fresh
    ):
        journal.finish()
        return _Outcome(contents, False, len(pruned), missing)
    finalize.write(
        journal,
        old,
        contents,
        root=manifest.root,
        meta=replace(output.spec.meta, inputs=inputs_line(options, manifest.root)),
        augmentation=statistics,
        on_row=stop.check,
    )
    return _Outcome(contents, True, len(pruned), missing)


def _raise_if_ours(out: Path, failed: tuple[FailedVideo, ...]) -> None:
    """Keep the tracebacks and raise, if it was an exception of our own everywhere."""
    if all(video.is_ours for video in failed):
        hint = f"please report the traceback in the last column of `{write_failures(out, failed)}`"
        raise_if_ours(failed, hint=hint)


def _nothing_readable(failed: tuple[FailedVideo, ...]) -> UsageError:
    first = failed[0]
    return UsageError(
        f"none of {counted(len(failed), 'video')} can be read",
        hint=f"the first, `{printable(first.path)}`, is {first.status.label}: {first.message}",
    )


def _report(
    output: Output,
    outcome: _Outcome,
    options: ExtractOptions,
    manifest: Manifest,
    seconds: float,
    cpu: float,
) -> ExtractReport:
    out, contents, missing = output.out, outcome.contents, outcome.missing
    with open_store(out) as store:
        counts = count_statuses(store.videos.status.tolist(), contents.failed)
        labelled = int(store.videos.labels.any(axis=1).sum())
    return ExtractReport(
        out=out,
        counts=counts,
        failed=contents.failed,
        decoded=output.decoded,
        copied=output.copied,
        labelled=labelled,
        gone=len(contents.unnamed),
        missing=missing.gone,
        unreachable=missing.unreachable,
        pruned=outcome.pruned,
        growing=manifest.growing,
        new_failures=len(new_failures(contents.failed, output.failed_before)),
        accept_failures=options.output.accept_failures,
        written=outcome.written,
        seconds=seconds,
        decode_seconds=cpu,
        backbone_seconds=output.spec.clock.seconds,
        store_bytes=bytes_on_disk(out),
        failures_file=write_failures(out, contents.failed),
    )
