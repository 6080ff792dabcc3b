"""A library that moved: find the files of a store's videos in another folder by their content."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..console import counted, printable
from ..errors import UsageError
from ..inputs.manifest import Manifest, content_id
from ..inputs.spelling import plain_form
from ..records import VideoError
from ..store import SourceFile

SAMPLE = 16  # files that are read to tell a library's copy from another one
TRIED = 8  # files of one size that are read for one video


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file of the new folder.

    Attributes:
        path: As in the manifest.
        size: Bytes.
        mtime_ns: Its modification time.
    """

    path: bytes
    size: int
    mtime_ns: int


def find_files(
    videos: Mapping[bytes, SourceFile], manifest: Manifest, *, sample: int | None = None
) -> dict[bytes, NewFile]:
    """Find videos in a folder to which they may have moved.

    A file of the same name, size and modification time is taken for the same, as a second run
    takes it; others of the same size are read.

    Args:
        videos: The file that each video was read from, by path.
        manifest: The files of the folder.
        sample: Look for so many videos at most by reading, the smallest; if all of these are
            found, files of the same name and size are taken for the same, too. ``None``: no limit.

    Returns:
        The new file of each video that was found, by the video's old path; no file twice.
    """
    files = {file.path: file for file in _files(manifest)}
    found = {
        path: files[path]
        for path, source in videos.items()
        if path in files and _looks_same(files[path], path, source)
    }
    by_size: dict[int, list[NewFile]] = defaultdict(list)
    for file in (file for path, file in files.items() if path not in found):
        by_size[file.size].append(file)
    doubtful: dict[bytes, list[NewFile]] = {}
    for path, source in videos.items():
        if path not in found and (candidates := by_size.get(source.size)):
            same = next((file for file in candidates if _looks_same(file, path, source)), None)
            if same is not None:
                found[path] = same
                candidates.remove(same)
            else:
                doubtful[path] = candidates
    smallest = sorted(doubtful, key=lambda path: videos[path].size)[:sample]
    for path in smallest:
        if (proven := _same_bytes(manifest.root, doubtful[path], path, videos[path])) is not None:
            found[path] = proven
            doubtful[path].remove(proven)
    if found.keys() >= set(smallest):
        for path in doubtful.keys() - found.keys():
            near = min(doubtful[path], key=lambda file: _distance(file, path), default=None)
            if near is not None and _name(near.path) == _name(path):
                found[path] = near
                doubtful[path].remove(near)
    return found


def check_moved(
    out: Path,
    roots: Sequence[bytes],
    videos: Mapping[bytes, SourceFile],
    found: Collection[bytes],
    manifest: Manifest,
    *,
    hint: str,
) -> None:
    """Check that a folder holds the videos of an output that was made from another folder.

    Args:
        out: The output.
        roots: The folders it was made from.
        videos: The file that each of its videos was read from, by path.
        found: Those that :func:`find_files` found.
        manifest: The videos of the new folder.
        hint: What to do if it does not.

    Raises:
        UsageError: If most of them are not in the new folder, or some that are not there are
            still where they were.
    """
    left = [
        path
        for path in videos.keys() - set(found)
        if any(os.path.lexists(os.path.join(root, path)) for root in roots)
    ]
    if 2 * len(found) >= len(videos) and not left:
        return
    there = f"{len(found)} of its {counted(len(videos), 'video')} in `{printable(manifest.root)}`"
    stay = f", and {len(left)} still where they were" if left else ""
    made = f"`{out}` was made from `{printable(roots[0])}`"
    raise UsageError(f"{made}; {there}{stay}", hint=hint)


def _files(manifest: Manifest) -> Iterator[NewFile]:
    for item in manifest.items:
        try:
            facts = os.stat(os.path.join(manifest.root, item.path))
        except OSError:
            continue
        yield NewFile(item.path, facts.st_size, facts.st_mtime_ns)


def _name(path: bytes) -> bytes:
    """Return a file's name without its folder; file systems differ in the form of letters."""
    return plain_form(os.path.basename(path))


def _distance(file: NewFile, path: bytes) -> tuple[bool, bool]:
    """Order the same path first, then the same name."""
    return file.path != path, _name(file.path) != _name(path)


def _looks_same(file: NewFile, path: bytes, source: SourceFile) -> bool:
    named = _name(file.path) == _name(path)
    return named and (file.size, file.mtime_ns) == (source.size, source.mtime_ns)


def _same_bytes(
    root: bytes, candidates: Sequence[NewFile], path: bytes, source: SourceFile
) -> NewFile | None:
    """Return the first file that has a video's bytes."""
    for file in sorted(candidates, key=lambda file: _distance(file, path))[:TRIED]:
        try:
            if content_id(Path(os.fsdecode(os.path.join(root, file.path)))) == source.video_id:
                return file
        except VideoError:
            continue
    return None
