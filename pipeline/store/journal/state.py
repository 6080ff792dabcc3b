"""State of each video of an unfinished output: done with a row in a shard, or failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ...records import FailedVideo, VideoTable

RowLocation = tuple[int, int]
"""A shard's number and a row in it."""


class SourceFile(NamedTuple):
    """The file that a finished video was read from.

    Attributes:
        video_id: SHA-256 of its bytes.
        size: Its length then, bytes.
        mtime_ns: Its modification time then.
    """

    video_id: bytes
    size: int
    mtime_ns: int


class JournalState:
    """A video is done or failed, never both; the last word on it counts.

    Several attempts at one video may come back, and of those the first word counts: see
    :meth:`is_update`.

    Attributes:
        done: Extracted videos and the positions of their rows, by path.
        failed: By path.
    """

    def __init__(self) -> None:
        self.done: dict[bytes, tuple[SourceFile, RowLocation]] = {}
        self.failed: dict[bytes, FailedVideo] = {}
        self._awaiting_update: set[bytes] = set()

    def fail(self, video: FailedVideo) -> None:
        """Mark a video as failed."""
        self.failed[video.path] = video
        self.done.pop(video.path, None)
        self._awaiting_update.discard(video.path)

    def await_updates(self, paths: Iterable[bytes]) -> None:
        """Await another word on videos, although some are done."""
        self._awaiting_update.update(path for path in paths if path in self.done)

    def is_update(self, path: bytes, done: SourceFile | None = None) -> bool:
        """Return whether an attempt changes a video's state; ``None`` means that it failed.

        It is not if the video is done and nobody waits for more, unless another file was read.
        """
        if path not in self.done or path in self._awaiting_update:
            return True
        return done is not None and done != self.done[path][0]

    def load(self, number: int, rows: Iterable[tuple[bytes, SourceFile]]) -> None:
        """Mark the videos of a shard's rows as done."""
        for row, (path, done) in enumerate(rows):
            self.done[path] = done, (number, row)
            self.failed.pop(path, None)
            self._awaiting_update.discard(path)

    def shards(self) -> set[int]:
        """Return the numbers of the shards that hold a row that counts."""
        return {number for _, (number, _) in self.done.values()}


def source_files(table: VideoTable) -> Iterable[tuple[bytes, SourceFile]]:
    """Yield each row's path and the file that it was read from."""
    facts = zip(table.paths, table.ids, table.size.tolist(), table.mtime_ns.tolist(), strict=True)
    return ((path, SourceFile(video_id.tobytes(), *rest)) for path, video_id, *rest in facts)
