"""Repair a store: extract its damaged rows again from the same video paths."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..backbones import Backbone
from ..console import Console, counted, printable, some_names
from ..errors import DamageError, UsageError
from ..inputs.manifest import read_manifest
from ..options import BackboneOptions
from ..records import FailedVideo, VideoFeatures, raise_if_ours
from ..store import DamageReport, find_damage, locked_for_repair, rewrite_store
from .moved_library import find_files
from .signals import StopRequest
from .single_videos import extract_features


@dataclass(frozen=True, slots=True)
class RepairReport:
    """Report of a repair: damage found and rows replaced.

    Attributes:
        path: The store.
        damage: Lines of ``verify``; empty if it was intact.
        repaired: Paths of the videos whose rows were extracted again.
        failed: Videos that give no features any more; they lost their rows.
        statistics_lost: Whether its augmentation statistics were damaged and dropped.
    """

    path: Path
    damage: tuple[str, ...]
    repaired: tuple[bytes, ...] = ()
    failed: tuple[FailedVideo, ...] = ()
    statistics_lost: bool = False

    @property
    def exit_code(self) -> int:
        """Return 3 if some videos failed, else 0."""
        return 3 if self.failed else 0


def repair(
    path: Path,
    *,
    videos: Path | None = None,
    workers: int | None = None,
    device: str = BackboneOptions.device,
    trust_weights: bool = BackboneOptions.trust_weights,
    backbone: Backbone | None = None,
    console: Console | None = None,
    stop: StopRequest | None = None,
) -> RepairReport:
    """Repair a store in one atomic rename; intact rows are copied, damaged ones extracted again.

    Args:
        path: The store.
        videos: Folder where its videos are now, where they were moved; they are known by content.
        workers: Videos decoded at a time; one a core by default.
        device: Where the backbone runs.
        trust_weights: Whether pickled weights may be read.
        backbone: Used instead of building the store's.
        console: Where progress goes; nowhere by default.
        stop: Polled between two videos.

    Raises:
        DamageError: If its table of videos is damaged, or no row is left.
        UsageError: If the store's backbone is not to be had, or is another one now; if the folder
            of its videos is gone, or damaged rows' videos are not in ``videos``.
        LockedError: If another process writes it.
        NotFoundError: If there is no such store.
        StorageError: If the disk does not take it.
        Interrupted: If a signal asked to stop; the store is as it was.
    """
    console = console or Console(quiet=True)
    with locked_for_repair(path):
        with console.progress("read every byte", None):
            found = find_damage(path)
        if found is None:
            hint = "`chainpipe extract` with `--restart` builds it anew"
            raise DamageError(f"the table of videos of `{path}` is damaged", hint=hint)
        if not found.lines:
            return RepairReport(path, ())
        places = _places(found, videos)
        with console.progress("extract again", len(found.rows)) as advance:
            results = _again(found, places, workers, device, trust_weights, backbone, advance, stop)
        fresh = [result for result in results if isinstance(result, VideoFeatures)]
        failed = [result for result in results if isinstance(result, FailedVideo)]
        if not fresh:
            raise_if_ours(failed)  # rather than drop rows that the next release can repair
        rewrite_store(found, fresh=fresh, failed=failed)
    names = tuple(video.path for video in fresh)
    return RepairReport(path, found.lines, names, tuple(failed), found.statistics)


def _places(damage: DamageReport, videos: Path | None) -> list[Path]:
    """Return where the damaged rows' videos are."""
    root, paths = damage.root, list(damage.paths)
    if videos is not None:
        manifest = read_manifest(videos, any_suffix=True)
        found = find_files(dict(damage.files), manifest)
        if lost := [path for path in paths if path not in found]:
            there = f"{counted(len(lost), 'damaged video')} not in `{videos}`: {some_names(lost)}"
            raise UsageError(there, hint="name the folder that holds the store's videos now")
        root, paths = manifest.root, [found[path].path for path in paths]
    elif paths and not os.path.isdir(root):
        message = f"the folder of its videos is gone: `{printable(root)}`"
        raise UsageError(message, hint="`--videos FOLDER` names the place where they are now")
    return [Path(os.fsdecode(os.path.join(root, path))) for path in paths]


def _again(
    damage: DamageReport,
    places: list[Path],
    workers: int | None,
    device: str,
    trust_weights: bool,
    backbone: Backbone | None,
    advance: Callable[[int], None],
    stop: StopRequest | None,
) -> list[VideoFeatures | FailedVideo]:
    """Extract the damaged rows' videos, in their order."""
    if not damage.rows:
        return []

    def step(count: int) -> None:
        advance(count)
        if stop is not None:
            stop.check()

    results = extract_features(
        places,
        damage.meta,
        workers=workers,
        device=device,
        trust_weights=trust_weights,
        backbone=backbone,
        cached=True,
        advance=step,
    )
    return [replace(result, path=name) for result, name in zip(results, damage.paths, strict=True)]
