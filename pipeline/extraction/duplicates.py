"""Duplicate files: decode one, copy its features to the others."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from ..inputs.manifest import FileIdentity
from ..records import VideoFeatures, VideoItem
from ..store import FeatureStore, Journal, iter_rows


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A video whose bytes another one has too, which is done or being done.

    Attributes:
        item: The video.
        video_id: SHA-256 of its bytes.
        identity: Of its file.
    """

    item: VideoItem
    video_id: bytes
    identity: FileIdentity


class ContentClaims:
    """Which video reads which bytes; shared by the threads of a worker pool.

    Args:
        known: Contents that have features already.
    """

    def __init__(self, known: Iterable[bytes] = ()) -> None:
        self._claimed_by = dict.fromkeys(known, b"")
        self._lock = threading.Lock()

    def claim(self, video_id: bytes, path: bytes) -> bytes:
        """Return the path that reads these bytes: ``path`` unless another was first.

        It is empty where they were known before.

        >>> claims = ContentClaims()
        >>> claims.claim(b"id", b"first"), claims.claim(b"id", b"second")
        (b'first', b'first')
        """
        with self._lock:
            return self._claimed_by.setdefault(video_id, path)

    def contents(self) -> list[bytes]:
        """Return all contents that are claimed."""
        with self._lock:
            return list(self._claimed_by)

    def release(self, video_id: bytes) -> None:
        """Let another path read these bytes."""
        with self._lock:
            self._claimed_by.pop(video_id, None)


class FinishedFeatures:
    """Finds the features of bytes that are done, in the journal or in the store added to.

    Args:
        journal: Of this output.
        old: The finished store, if any.
    """

    def __init__(self, journal: Journal, old: FeatureStore | None) -> None:
        self._journal = journal
        self._old = old
        self._fresh = {done.video_id: path for path, done in journal.done().items()}
        rows = enumerate(()) if old is None else enumerate(old.videos.ids)
        self._earlier = {video_id.tobytes(): row for row, video_id in rows}

    def find(self, video_id: bytes) -> VideoFeatures | None:
        """Return a video with these bytes, or ``None`` if there is none."""
        if video_id in self._fresh:
            return next(self._journal.rows([self._fresh[video_id]]))
        if self._old is None or video_id not in self._earlier:
            return None
        row = self._earlier[video_id]
        return next(iter_rows(self._old, range(row, row + 1)))
