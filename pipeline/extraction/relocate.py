"""Give a store the new places of its videos after they were moved; nothing is decoded."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..console import Console
from ..errors import UsageError
from ..inputs.manifest import read_manifest
from ..options import InputOptions
from ..records import FailedVideo, VideoFeatures
from ..store import (
    FeatureStore,
    SourceFile,
    check_suffix,
    is_unfinished,
    iter_rows,
    locked_for_repair,
    open_store,
    source_files,
    write_store,
)
from .moved_library import NewFile, check_moved, find_files
from .signals import StopRequest


@dataclass(frozen=True, slots=True)
class RelocateReport:
    """Report of a relocation.

    Attributes:
        path: The store.
        root: Folder of the videos, absolute.
        found: Videos that are in the folder.
        renamed: Those of them that have another path there than before.
        missing: Paths of videos that are neither there nor where they were; they keep their rows.
        dropped: Those of them that lost their row, because another video has their path now.
    """

    path: Path
    root: Path
    found: int
    renamed: int
    missing: tuple[bytes, ...]
    dropped: tuple[bytes, ...] = ()


def relocate(
    path: Path,
    folder: Path,
    *,
    follow_symlinks: bool = InputOptions.follow_symlinks,
    console: Console | None = None,
    stop: StopRequest | None = None,
) -> RelocateReport:
    """Write a store again with the paths that its videos have in another folder, atomically.

    A video is known by its bytes: files of the same name, size and time are taken for the same,
    others of the same size are read.

    Args:
        path: The store.
        folder: The folder where its videos are now, or a list of them.
        follow_symlinks: Whether to enter linked folders.
        console: Where progress goes; nowhere by default.
        stop: Polled between two rows.

    Raises:
        UsageError: If most videos are not there, some are still where they were, there is no such
            folder, or an extraction of the store is unfinished.
        NotFoundError: If there is no such store.
        DamageError: If it is damaged.
        LockedError: If another process writes it.
        StorageError: If the disk does not take it.
        Interrupted: If a signal asked to stop; the store is as it was.
    """
    console = console or Console(quiet=True)
    check_suffix(path)
    # Videos are known by their content, whatever their suffix.
    manifest = read_manifest(folder, follow_symlinks=follow_symlinks, any_suffix=True)
    with locked_for_repair(path), open_store(path) as store:
        if is_unfinished(path):
            hint = "`chainpipe extract` finishes it, from the new folder, too"
            raise UsageError(f"an extraction of `{path}` is not finished", hint=hint)
        videos = dict(source_files(store.videos))
        failed = {v.path: SourceFile(v.video_id, v.size, v.mtime_ns) for v in store.failed}
        with console.progress("find the videos", None):
            everywhere = find_files(videos | failed, manifest)
        found = {name: file for name, file in everywhere.items() if name in videos}
        if store.root != manifest.root:
            hint = "name the folder that holds its videos now"
            check_moved(path, [store.root], videos, found.keys(), manifest, hint=hint)
        taken = {file.path for file in everywhere.values()}
        # A row without a file stays, unless another video has its path now.
        rows = [
            row for row, name in enumerate(store.videos.paths) if name in found or name not in taken
        ]
        with console.progress("write", len(rows)) as advance:
            write_store(
                path,
                root=manifest.root,
                meta=store.meta,
                rows=_rows(store, rows, found, advance, stop),
                count=len(rows),
                failed=_failed(store.failed, everywhere, taken),
                label_names=store.videos.label_names,
                augmentation=store.augmentation(),
                allow_nan=True,
            )
    missing = tuple(name for name in videos if name not in found)
    dropped = tuple(name for name in missing if name in taken)
    renamed = sum(file.path != name for name, file in found.items())
    root = Path(os.fsdecode(manifest.root))
    return RelocateReport(path, root, len(found), renamed, missing, dropped)


def _failed(
    failed: Sequence[FailedVideo], found: Mapping[bytes, NewFile], taken: Collection[bytes]
) -> tuple[FailedVideo, ...]:
    """Return the failed videos under their new paths; one whose path is taken is left out."""
    moved = [
        replace(video, path=file.path, size=file.size, mtime_ns=file.mtime_ns)
        if (file := found.get(video.path)) is not None
        else video
        for video in failed
        if video.path in found or video.path not in taken
    ]
    return tuple(sorted(moved, key=lambda video: video.path))


def _rows(
    store: FeatureStore,
    rows: list[int],
    found: Mapping[bytes, NewFile],
    advance: Callable[[int], None],
    stop: StopRequest | None,
) -> Iterator[VideoFeatures]:
    kept = set(rows)
    for row, video in enumerate(iter_rows(store)):
        if stop is not None:
            stop.check()
        if row in kept:
            file = found.get(video.path)
            yield (
                video
                if file is None
                else replace(video, path=file.path, size=file.size, mtime_ns=file.mtime_ns)
            )
            advance(1)
