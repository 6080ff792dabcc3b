"""Find pending videos: without features, or with other bytes than at extraction."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..inputs.manifest import Manifest
from ..records import FailedVideo, Status, VideoItem
from ..store import FeatureStore, Journal, SourceFile, parts_of, source_files


@dataclass(frozen=True, slots=True)
class EarlierRuns:
    """State of the videos after earlier runs.

    Attributes:
        done: Which file each video with features was read from, by path.
        failed: Each video that failed, by path.
        since: When the last of those runs wrote something, nanoseconds.
    """

    done: Mapping[bytes, SourceFile]
    failed: Mapping[bytes, FailedVideo]
    since: int

    @classmethod
    def of(cls, journal: Journal, old: FeatureStore | None, since: int) -> EarlierRuns:
        """Gather it from an unfinished output and a finished one, the former being later."""
        done = journal.done()
        failed = {video.path: video for video in journal.failed()}
        if old is not None:
            journaled = done.keys() | failed.keys()
            done = {p: d for p, d in source_files(old.videos) if p not in journaled} | done
            failed = {v.path: v for v in old.failed if v.path not in journaled} | failed
        return cls(done, failed, since)

    def contents(self) -> set[bytes]:
        """Return each content that has features, those of files that were touched too."""
        return {done.video_id for done in self.done.values()}

    def failed_contents(self, retry: frozenset[Status]) -> dict[bytes, FailedVideo]:
        """Return a video that failed for good for each content, wherever it lies now.

        Args:
            retry: Statuses of failed videos that are tried again.
        """
        return {
            video.video_id: video
            for video in self.failed.values()
            if video.video_id and not (video.status.is_retried or video.status in retry)
        }

    def attempts(self, path: bytes) -> int:
        """Return how often a video has failed so far."""
        return self.failed[path].attempts if path in self.failed else 0


def pending_videos(
    manifest: Manifest, known: EarlierRuns, retry: frozenset[Status]
) -> list[VideoItem]:
    """Return the videos to read in this run, in the manifest's order.

    Those are new ones, those whose size or time has changed since they were read, and failed ones
    that deserve another try: by their status, by ``retry``, or because the file was replaced.

    Args:
        manifest: All videos.
        known: What earlier runs found out.
        retry: Failed videos of which statuses are tried again, besides the passing failures.
    """
    return [
        item for item in manifest.items if _is_pending(manifest.path_of(item), item, known, retry)
    ]


def last_written(out: Path) -> int:
    """Return when an output, finished or not, was last written; 0 if it does not exist."""
    paths = [out, *(parts_of(out).glob("*") if parts_of(out).is_dir() else ())]
    return max((path.stat().st_mtime_ns for path in paths if path.exists()), default=0)


def _is_pending(path: Path, item: VideoItem, known: EarlierRuns, retry: frozenset[Status]) -> bool:
    if (done := known.done.get(item.path)) is not None:
        facts = _stat(path)
        return facts is not None and (facts.st_size, facts.st_mtime_ns) != done[1:]
    if (failed := known.failed.get(item.path)) is not None:
        if failed.status.is_retried or failed.status in retry:
            return True
        facts = _stat(path)
        return facts is not None and facts.st_ctime_ns > known.since
    return True


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None  # features of a deleted file are kept
