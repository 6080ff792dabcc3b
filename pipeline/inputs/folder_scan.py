"""Find the videos below a folder by their suffix, and count what is passed over."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ..console import counted, printable
from ..errors import UsageError
from .pictures import PICTURES, is_animated

SUFFIXES = PICTURES | frozenset(
    b".264 .265 .3g2 .3gp .3gpp .asf .avi .dif .divx .dv .f4v .flv .gif .h264 .h265 .hevc .ivf "
    b".m1v .m2p .m2t .m2ts .m2v .m4v .mk3d .mkv .mov .mp2v .mp4 .mpe .mpeg .mpg .mpv .mts .mxf "
    b".nut .ogg .ogm .ogv .qt .rm .rmvb .tp .trp .ts .vob .webm .wmv .y4m".split()
)
OURS = frozenset(b".csv .h5 .jsonl".split())  # lists and stores, which are no videos
OUR_FOLDERS = (b".zarr", b".zarr.parts", b".h5.parts", b".zarr.update", b".h5.update")
_NAMED = 6  # suffixes that are named


@dataclass(slots=True)
class FolderScan:
    """What is below a folder.

    Attributes:
        paths: The videos, relative to it, in no order.
        passed: How many files of each other suffix there are.
        stills: How many pictures that are not animated, by suffix.
    """

    paths: list[bytes] = field(default_factory=list)
    passed: Counter[bytes] = field(default_factory=Counter)
    stills: Counter[bytes] = field(default_factory=Counter)

    def notes(self) -> tuple[str, ...]:
        """Return a line about each kind of file that was passed over."""
        notes = []
        if self.passed:
            notes.append(
                f"passed over {counted(self.passed.total(), 'file')} by suffix: "
                f"{_listed(self.passed)}; `--any-suffix` reads them, too"
            )
        if self.stills:
            notes.append(
                f"passed over {counted(self.stills.total(), 'still picture')}: "
                f"{_listed(self.stills)}"
            )
        return tuple(notes)


def scan_folder(root: bytes, *, follow_symlinks: bool, any_suffix: bool) -> FolderScan:
    """Find the videos below a folder; names that begin with a dot are passed over.

    Args:
        root: The folder, ``os.fsencode``.
        follow_symlinks: Whether to enter linked folders.
        any_suffix: Whether to take every file but stills and this program's own.

    Raises:
        UsageError: If a folder cannot be read.
    """
    scan = FolderScan()
    _walk(root, root, scan, follow_symlinks, any_suffix, frozenset())
    return scan


def _walk(
    root: bytes,
    folder: bytes,
    scan: FolderScan,
    follow: bool,
    any_suffix: bool,
    above: frozenset[tuple[int, int]],
) -> None:
    """Add the files below ``folder``; ``above`` ends loops of links."""
    try:
        facts = os.stat(folder)
        entries = list(os.scandir(folder))
    except OSError as error:
        raise UsageError(
            f"cannot read folder `{os.fsdecode(folder)}`: {error.strerror}",
            hint="make it readable, or list the videos in a CSV file",
        ) from error
    if (facts.st_dev, facts.st_ino) in above:
        return
    above |= {(facts.st_dev, facts.st_ino)}
    for entry in entries:
        if entry.name.startswith(b".") or entry.name.endswith(OUR_FOLDERS):
            continue
        if _is_folder(entry, follow):
            _walk(root, entry.path, scan, follow, any_suffix, above)
        elif not _is_folder(entry, True):
            _add(root, entry, scan, any_suffix)


def _add(root: bytes, entry: os.DirEntry[bytes], scan: FolderScan, any_suffix: bool) -> None:
    suffix = os.path.splitext(entry.name)[1].lower()
    if suffix in PICTURES and not is_animated(Path(os.fsdecode(entry.path))):
        scan.stills[suffix] += 1
    elif suffix in SUFFIXES or (any_suffix and suffix not in OURS):
        scan.paths.append(os.path.relpath(entry.path, root))
    elif suffix not in OURS:
        scan.passed[suffix] += 1


def _listed(counts: Counter[bytes]) -> str:
    common = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_NAMED]
    named = [f"{count} {printable(suffix) or 'without one'}" for suffix, count in common]
    rest = counts.total() - sum(count for _, count in common)
    return ", ".join([*named, f"{rest} others"] if rest else named)


def _is_folder(entry: os.DirEntry[bytes], follow: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:  # a link that leads back to itself: it is refused when it is read
        return False
