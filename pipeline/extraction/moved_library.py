"""A library that moved: find the files of a store's videos in another folder by their content."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..console import counted, printable
from ..errors import UsageError
from ..inputs.manifest import Manifest, content_id
from ..inputs.spelling import plain_form
from ..records import VideoError
from ..store import SourceFile

SAMPLE = 16  # files that are read to tell a library's copy from another one


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
    takes it; others of the same size are read, each once.

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
    groups: dict[int, _SameSize] = defaultdict(lambda: _SameSize(manifest.root))
    for file in (file for path, file in files.items() if path not in found):
        groups[file.size].add(file)
    doubtful: dict[bytes, _SameSize] = {}
    for path, source in videos.items():
        if path not in found and source.size in groups:
            group = groups[source.size]
            same = (file for file in group.named_like(path) if _looks_same(file, path, source))
            if (file_there := next(same, None)) is not None:
                found[path] = group.take(file_there)
            else:
                doubtful[path] = group
    smallest = sorted(doubtful, key=lambda path: videos[path].size)[:sample]
    for path in smallest:
        proven = doubtful[path].with_bytes(videos[path].video_id, path)
        if proven is not None:
            found[path] = doubtful[path].take(proven)
    if found.keys() >= set(smallest):
        for path in doubtful.keys() - found.keys():
            near = next(doubtful[path].named_like(path), None)
            if near is not None:
                found[path] = doubtful[path].take(near)
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


def _looks_same(file: NewFile, path: bytes, source: SourceFile) -> bool:
    named = _name(file.path) == _name(path)
    return named and (file.size, file.mtime_ns) == (source.size, source.mtime_ns)


class _SameSize:
    """Files of one size that no video has taken; each is read once, and no more than are needed.

    Args:
        root: The folder that their paths are relative to, ``os.fsencode``.
    """

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._files: dict[bytes, NewFile] = {}
        self._unread: dict[bytes, NewFile] = {}
        self._by_name: dict[bytes, list[NewFile]] = defaultdict(list)
        self._by_id: dict[bytes, list[NewFile]] = defaultdict(list)

    def add(self, file: NewFile) -> None:
        """Add a file."""
        self._files[file.path] = self._unread[file.path] = file
        self._by_name[_name(file.path)].append(file)

    def take(self, file: NewFile) -> NewFile:
        """Remove a file and return it."""
        return self._files.pop(file.path)

    def named_like(self, path: bytes) -> Iterator[NewFile]:
        """Yield the files of the same name as a video's old path, that of the same path first."""
        if path in self._files:
            yield self._files[path]
        yield from (
            file
            for file in self._by_name.get(_name(path), ())
            if file.path != path and file.path in self._files
        )

    def with_bytes(self, video_id: bytes, path: bytes) -> NewFile | None:
        """Return the file that has a video's bytes, of several one named like its old path."""
        for file in self.named_like(path):
            if file.path in self._unread:
                self._read(file)
        while not (alike := self._alike(video_id)) and self._unread:
            self._read(next(iter(self._unread.values())))
        places = {file.path: file for file in alike}
        near = (file for file in self.named_like(path) if file.path in places)
        return next(near, next(iter(alike), None))

    def _alike(self, video_id: bytes) -> list[NewFile]:
        return [file for file in self._by_id.get(video_id, ()) if file.path in self._files]

    def _read(self, file: NewFile) -> None:
        del self._unread[file.path]
        if file.path in self._files:
            with suppress(VideoError):
                place = Path(os.fsdecode(os.path.join(self._root, file.path)))
                self._by_id[content_id(place)].append(file)
