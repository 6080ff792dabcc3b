"""List the input videos: a folder at any depth, or a list; with labels and splits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from ..errors import UsageError
from ..options import InputOptions
from ..records import VideoItem
from .file_identity import FileIdentity, content_id, ensure_unchanged, identify
from .manifest_files import ManifestRow, read_manifest_file

__all__ = [
    "FOLDERS",
    "SUFFIXES",
    "FileIdentity",
    "Labels",
    "Manifest",
    "content_id",
    "ensure_unchanged",
    "identify",
    "read_manifest",
]

FOLDERS: Final = "folders"
Labels = Path | Literal["folders"]

SUFFIXES = frozenset(
    b".3g2 .3gp .asf .avi .divx .flv .gif .h264 .h265 .264 .265 .hevc .m2ts .m4v .mkv .mov .mp4 "
    b".mpe .mpeg .mpg .mts .ogg .ogm .ogv .qt .ts .vob .webm .wmv".split()
)


@dataclass(frozen=True, slots=True, repr=False)
class Manifest:
    """The videos of a run, in the order of the store's rows.

    Attributes:
        root: ``os.fsencode`` of the absolute folder that the videos' paths are relative to.
        items: The videos; no path twice.
    """

    root: bytes
    items: tuple[VideoItem, ...]

    def __len__(self) -> int:
        return len(self.items)

    def __repr__(self) -> str:
        return f"Manifest({os.fsdecode(self.root)!r}, {len(self)} videos)"

    def path_of(self, item: VideoItem) -> Path:
        """Return the path of a video."""
        return Path(os.fsdecode(os.path.join(self.root, item.path)))


def read_manifest(
    source: Path,
    labels: Labels | None = None,
    *,
    follow_symlinks: bool = InputOptions.follow_symlinks,
) -> Manifest:
    """Find the videos of a folder, or read a ``.csv`` or ``.jsonl`` list of them.

    In a folder, names that begin with a dot are passed over, and so are linked folders unless
    ``follow_symlinks``. A folder's name is a label only where that is asked for.

    Args:
        source: A folder, or a list whose paths are relative to the list's folder.
        labels: ``FOLDERS``: a video in ``<class>/`` at any depth gets the label ``<class>``, one
            in no folder none, unless a list says otherwise. A path: a list whose labels and splits
            win over those of ``source``; its paths are relative to its own folder, or else to
            that of the videos, and videos that it lacks keep theirs. ``None``: those of ``source``
            if that is a list.
        follow_symlinks: Whether to enter linked folders.

    Returns:
        The videos of a folder sorted by the bytes of their paths, or those of a list in its order.

    Raises:
        UsageError: If there is no such folder or list, no video in it, a list is wrong, or no
            line of ``labels`` fits.
    """
    source = Path(os.path.abspath(source))
    if source.is_dir():
        found = Manifest(os.fsencode(source), _scan(os.fsencode(source), follow_symlinks))
    else:
        items = tuple(_item(row) for row in _manifest_rows(source))
        found = Manifest(os.fsencode(source.parent), items)
    if not found.items:
        suffixes = " ".join(sorted(os.fsdecode(suffix) for suffix in SUFFIXES))
        raise UsageError(f"no videos in `{source}`", hint=f"videos end in {suffixes}")
    if labels is None:
        return found
    if labels == FOLDERS:
        return Manifest(found.root, tuple(_labelled_by_folder(item) for item in found.items))
    return _relabelled(found, Path(os.path.abspath(labels)))


def _scan(root: bytes, follow_symlinks: bool) -> tuple[VideoItem, ...]:
    paths = (os.path.relpath(path, root) for path in _walk(root, follow_symlinks, frozenset()))
    return tuple(VideoItem(path) for path in sorted(paths))


def _walk(folder: bytes, follow: bool, above: frozenset[tuple[int, int]]) -> Iterator[bytes]:
    """Yield the videos below ``folder``; ``above`` ends loops of links."""
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
        if entry.name.startswith(b"."):
            continue
        if _is_folder(entry, follow):
            yield from _walk(entry.path, follow, above)
        elif os.path.splitext(entry.name)[1].lower() in SUFFIXES and not _is_folder(entry, True):
            yield entry.path


def _is_folder(entry: os.DirEntry[bytes], follow: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:  # a link that leads back to itself: it is refused when it is read
        return False


def _labelled_by_folder(item: VideoItem) -> VideoItem:
    """Return a video with its first folder as label, unless a list gave it others."""
    if item.labels is not None:
        return item
    folder, slash, _ = item.path.partition(b"/")
    return replace(item, labels=(folder.decode("utf-8", "replace"),) if slash else ())


def _manifest_rows(file: Path) -> list[ManifestRow]:
    if not file.exists():
        raise UsageError(
            f"there is no `{file}`", hint="give a folder of videos, or a .csv or .jsonl list"
        )
    if file.suffix.lower() not in (".csv", ".jsonl"):
        hint = "a folder of videos, or a list whose name ends in .csv or .jsonl"
        raise UsageError(f"`{file}` is neither a folder nor a list", hint=hint)
    return read_manifest_file(file)


def _item(row: ManifestRow) -> VideoItem:
    return VideoItem(row.path, row.labels, row.split)


def _relabelled(manifest: Manifest, file: Path) -> Manifest:
    rows = _manifest_rows(file)
    by_root = {os.path.normpath(os.path.join(manifest.root, row.path)): row for row in rows}
    beside = os.fsencode(file.parent)
    by_file = {os.path.normpath(os.path.join(beside, row.path)): row for row in rows}
    known = by_root | by_file
    places = [os.path.normpath(os.path.join(manifest.root, item.path)) for item in manifest.items]
    if not any(place in known for place in places):
        raise UsageError(
            f"no line of `{file}` names one of the videos",
            hint=f"paths are relative to `{file.parent}` or `{os.fsdecode(manifest.root)}`",
        )
    pairs = zip(manifest.items, (known.get(place) for place in places), strict=True)
    return Manifest(manifest.root, tuple(_overridden(item, row) for item, row in pairs))


def _overridden(item: VideoItem, row: ManifestRow | None) -> VideoItem:
    if row is None:
        return item
    labels = item.labels if row.labels is None else row.labels
    return VideoItem(item.path, labels, item.split if row.split is None else row.split)
