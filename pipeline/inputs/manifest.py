"""List the input videos: a folder at any depth, or a list; with labels and splits."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from ..console import counted, some_names
from ..errors import UsageError
from ..options import InputOptions
from ..records import VideoItem
from ..store.foreign.hints import reading_hint
from .file_identity import FileIdentity, content_id, ensure_unchanged, identify
from .folder_scan import SUFFIXES, scan_folder
from .manifest_files import LIST_SUFFIXES, ManifestList, ManifestRow, read_manifest_file
from .spelling import FileFinder, plain_form, plain_text, spellings

__all__ = [
    "FOLDERS",
    "LIST_SUFFIXES",
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
_LISTS = ", ".join(LIST_SUFFIXES)


@dataclass(frozen=True, slots=True, repr=False)
class Manifest:
    """The videos of a run, in the order of the store's rows.

    Attributes:
        root: ``os.fsencode`` of the absolute folder that the videos' paths are relative to.
        items: The videos; no path twice.
        notes: Lines for the user: what was passed over or ignored.
        growing: Paths of files that are being written, which are left out.
    """

    root: bytes
    items: tuple[VideoItem, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)
    growing: tuple[bytes, ...] = field(default=(), compare=False)

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
    any_suffix: bool = InputOptions.any_suffix,
) -> Manifest:
    """Find the videos of a folder, or read a list of them.

    In a folder, names that begin with a dot are passed over, and so are linked folders unless
    ``follow_symlinks``. A folder's name is a label only where that is asked for.

    Where a list has a column ``root`` with a folder that is there, as ``chainpipe list --csv``
    writes it, a path is relative to that, wherever the list lies.

    A list's path means the file of that name; if there is none, one that differs in backslashes,
    in the form of its Unicode letters or in blanks around it.

    Args:
        source: A folder, or a list whose paths are relative to the list's folder or to ``root``.
        labels: ``FOLDERS``: a video in ``<class>/`` at any depth gets the label ``<class>``, one
            in no folder none, unless a list says otherwise. A path: a list whose labels and splits
            win over those of ``source``; its paths are relative to its own folder, or else to
            that of the videos, and videos that it lacks keep theirs. ``None``: those of ``source``
            if that is a list.
        follow_symlinks: Whether to enter linked folders.
        any_suffix: Whether to take every file of a folder, whatever its suffix.

    Returns:
        The videos of a folder sorted by the bytes of their paths, or those of a list in its order.

    Raises:
        UsageError: If there is no such folder or list, no video in it, a list is wrong, or no
            line of ``labels`` fits.
    """
    source = Path(os.path.abspath(source))
    folder = source.is_dir()
    found = _of_folder(source, follow_symlinks, any_suffix) if folder else _of_list(source)
    if labels is None:
        return found
    if labels == FOLDERS:
        return replace(found, items=tuple(_labelled_by_folder(item) for item in found.items))
    return _relabelled(found, Path(os.path.abspath(labels)))


def _of_folder(folder: Path, follow_symlinks: bool, any_suffix: bool) -> Manifest:
    scan = scan_folder(os.fsencode(folder), follow_symlinks=follow_symlinks, any_suffix=any_suffix)
    if not scan.paths:
        suffixes = " ".join(sorted(os.fsdecode(suffix) for suffix in SUFFIXES))
        passed = "".join(f"; {note}" for note in scan.notes())
        hint = reading_hint(folder, f"videos end in {suffixes}")
        raise UsageError(f"no videos in `{folder}`{passed}", hint=hint)
    items = tuple(VideoItem(path) for path in sorted(scan.paths))
    return Manifest(os.fsencode(folder), items, scan.notes())


def _of_list(file: Path) -> Manifest:
    listed = _read_list(file)
    roots = {row.root for row in listed.rows}
    root = os.fsencode(roots.pop() if len(roots) == 1 and "" not in roots else file.parent)
    finder, items = FileFinder(root), dict[bytes, VideoItem]()
    for row in listed.rows:
        path = finder.find(_relative(row, root))
        if path in items:
            words = f"`{file}` line {row.line}: `{os.fsdecode(path)}` is there twice"
            raise UsageError(words, hint="an earlier line spells it otherwise; keep one of them")
        items[path] = VideoItem(path, row.labels, row.split)
    if not items:
        raise UsageError(f"no videos in `{file}`", hint="it has a header and no other line")
    return Manifest(root, tuple(items.values()), _ignored_note(file, listed))


def _relative(row: ManifestRow, root: bytes) -> bytes:
    """Return a row's path as seen from a folder; its own root is another one at times."""
    own = os.fsencode(row.root)
    if not own or own == root:
        return row.path
    return os.path.relpath(os.path.join(own, row.path), root)


def _labelled_by_folder(item: VideoItem) -> VideoItem:
    """Return a video with its first folder as label, unless a list gave it others."""
    if item.labels is not None:
        return item
    folder, slash, _ = item.path.partition(b"/")
    return replace(item, labels=(plain_text(folder.decode("utf-8", "replace")),) if slash else ())


def _read_list(file: Path) -> ManifestList:
    if not file.exists():
        raise UsageError(
            f"there is no `{file}`", hint=f"give a folder of videos, or a {_LISTS} list"
        )
    if file.suffix.lower() not in LIST_SUFFIXES:
        hint = reading_hint(file, f"a folder of videos, or a list whose name ends in {_LISTS}")
        raise UsageError(f"`{file}` is neither a folder nor a list", hint=hint)
    return read_manifest_file(file)


def _ignored_note(file: Path, listed: ManifestList) -> tuple[str, ...]:
    if not listed.ignored:
        return ()
    names = some_names([os.fsencode(name) for name in listed.ignored], most=8)
    return (f"`{file}`: other columns than path, label and split are ignored: {names}",)


def _relabelled(manifest: Manifest, file: Path) -> Manifest:
    listed = _read_list(file)
    beside = os.fsencode(file.parent)
    videos = [os.path.normpath(os.path.join(manifest.root, item.path)) for item in manifest.items]
    known, used = _exact_matches(listed.rows, videos, (manifest.root, beside))
    left = [row for row in listed.rows if row.line not in used]
    if left:
        others = [place for place in videos if place not in known]
        alike, also_used = _matches_alike(left, others, (manifest.root, beside))
        known, used = known | alike, used | also_used
    if not known:
        raise UsageError(
            f"no line of `{file}` names one of the videos",
            hint=f"paths are relative to `{file.parent}` or `{os.fsdecode(manifest.root)}`",
        )
    pairs = zip(manifest.items, (known.get(place) for place in videos), strict=True)
    items = tuple(_overridden(item, row) for item, row in pairs)
    unused = [row for row in listed.rows if row.line not in used]
    notes = *manifest.notes, *_ignored_note(file, listed), *_unused_note(file, unused)
    return Manifest(manifest.root, items, notes)


def _exact_matches(
    rows: Sequence[ManifestRow], videos: Sequence[bytes], folders: Sequence[bytes]
) -> tuple[dict[bytes, ManifestRow], set[int]]:
    """Return the row of each video, that of a later folder first, and the lines that fit one."""
    there, known, used = frozenset(videos), dict[bytes, ManifestRow](), set[int]()
    for folder in folders:
        for row in rows:
            place = os.path.normpath(os.path.join(folder, os.fsencode(row.root), row.path))
            if place in there:
                known[place] = row
                used.add(row.line)
    return known, used


def _matches_alike(
    rows: Sequence[ManifestRow], videos: Sequence[bytes], folders: Sequence[bytes]
) -> tuple[dict[bytes, ManifestRow], set[int]]:
    """Do the same for paths that are spelled otherwise."""
    by_form: Mapping[bytes, list[bytes]] = defaultdict(list)
    for place in videos:
        by_form[plain_form(place)].append(place)
    known, used = dict[bytes, ManifestRow](), set[int]()
    for folder in folders:
        for row in rows:
            for path in spellings(row.path):
                place = os.path.join(folder, os.fsencode(row.root), path)
                form = plain_form(os.path.normpath(place))
                if form in by_form:
                    known |= dict.fromkeys(by_form[form], row)
                    used.add(row.line)
                    break
    return known, used


def _unused_note(file: Path, unused: Sequence[ManifestRow]) -> tuple[str, ...]:
    if not unused:
        return ()
    fit = "fits" if len(unused) == 1 else "fit"
    names = some_names([row.path for row in unused])
    return (f"{counted(len(unused), 'line')} of `{file}` {fit} no video: {names}",)


def _overridden(item: VideoItem, row: ManifestRow | None) -> VideoItem:
    if row is None:
        return item
    labels = item.labels if row.labels is None else row.labels
    return VideoItem(item.path, labels, item.split if row.split is None else row.split)
