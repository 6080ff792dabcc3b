"""The working part of an extraction: videos through the crew into the journal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.crew import Crew
from pipeline.decode import Decoder
from pipeline.features import Recipe, read_features
from pipeline.interrupt import StopRequest
from pipeline.manifest import Manifest, content_id, identify
from pipeline.options import ExtractOptions
from pipeline.plan import Known
from pipeline.records import FailedVideo, VideoError, VideoFeatures, VideoItem
from pipeline.store import FeatureStore, Journal
from pipeline.talk import Talk
from pipeline.twins import Claims, Originals, Twin

SHARD_VIDEOS = 64
SHARD_SECONDS = 10.0


class Run:
    """One run over the videos that are due; finished ones are committed a shard at a time.

    Args:
        manifest: Says where the videos lie.
        known: What earlier runs found out.
        journal: Takes what is finished.
        old: The finished store to add to, if any.
        recipe: How a video becomes features.
        options: Workers and links.
        stop: Looked at between two videos.
    """

    def __init__(
        self, manifest: Manifest, known: Known, journal: Journal, old: FeatureStore | None,
        recipe: Recipe, options: ExtractOptions, stop: StopRequest,
    ) -> None:  # fmt: skip
        self.recipe = recipe
        self.decoded = 0
        self.copied = 0
        self._manifest, self._known, self._journal, self._old = manifest, known, journal, old
        self._options, self._stop = options, stop
        self._root = Path(os.fsdecode(manifest.root))
        self._claims = Claims({})
        self._shard: list[VideoFeatures] = []
        self._shard_began = 0.0

    def work(self, due: Sequence[VideoItem], talk: Talk) -> None:
        """Read the videos that are due, whatever becomes of each.

        Raises:
            Interrupted: If a signal asked to stop; all finished videos are committed.
            StorageError: If the disk does not take a shard.
        """
        if not due:
            return
        redone = frozenset(item.path for item in due)
        self._claims = Claims(self._known.ids(skip=redone))
        with talk.progress("extract", len(due)) as advance:
            while due:
                due = self._copy(self._read(due, advance), advance)

    def _read(self, due: Sequence[VideoItem], advance: Callable[[int], None]) -> list[Twin]:
        """Decode what is to be decoded; return the twins, to be settled when all is known."""
        twins = []
        workers = min(self._options.workers, len(due))
        try:
            with Crew(due, self._do, workers=workers) as crew:
                for outcome in crew.results():
                    if isinstance(outcome, Twin):
                        twins.append(outcome)
                    elif outcome is not None:
                        self._note(outcome)
                        advance(1)
                    self._commit()
                    self._stop.check()
        finally:
            self._commit(everything=True)
        return twins

    def _do(self, decoder: Decoder, item: VideoItem) -> VideoFeatures | FailedVideo | Twin:
        """Work on one video, in one of the crew's threads."""
        path = self._manifest.path_of(item)
        links = self._options.follow_symlinks
        try:
            identity = identify(path, self._root, follow_symlinks=links)
            video_id = content_id(path)
            if self._claims.claim(video_id, item.path) != item.path:
                return Twin(item, video_id, identity)
            return read_features(decoder, path, item.path, video_id, identity, self.recipe)
        except VideoError as error:
            return self._failure(item.path, error)

    def _copy(self, twins: Sequence[Twin], advance: Callable[[int], None]) -> list[VideoItem]:
        """Give twins the features, or the lasting failure, of their bytes; return the others."""
        if not twins:
            return []
        originals = Originals(self._journal, self._old)
        failed = {video.path: video for video in self._journal.failed()}
        left = []
        for twin in twins:
            origin = failed.get(self._claims.claim(twin.video_id, twin.item.path))
            if (video := originals.find(twin.video_id)) is not None:
                self._note_copy(video, twin)
            elif origin is not None and not origin.status.tried_again:
                attempts = self._known.attempts(twin.item.path) + 1
                self._note(replace(origin, path=twin.item.path, attempts=attempts))
            else:  # its bytes could not be read there; they may be readable here
                left.append(twin)
                continue
            advance(1)
            self._commit()
            self._stop.check()
        self._commit(everything=True)
        for twin in left:
            self._claims.release(twin.video_id)
        return [twin.item for twin in left]

    def _note_copy(self, video: VideoFeatures, twin: Twin) -> None:
        facts = twin.identity
        copy = replace(video, path=twin.item.path, size=facts.size, mtime_ns=facts.mtime_ns)
        self._take(copy)
        self.copied += 1

    def _note(self, outcome: VideoFeatures | FailedVideo) -> None:
        if isinstance(outcome, FailedVideo):
            self._journal.fail(outcome)
        else:
            self.decoded += 1
            self._take(outcome)

    def _take(self, video: VideoFeatures) -> None:
        if not self._shard:
            self._shard_began = time.monotonic()
        self._shard.append(video)

    def _commit(self, *, everything: bool = False) -> None:
        """Commit the shard when it is large or old enough."""
        old = time.monotonic() - self._shard_began >= SHARD_SECONDS
        if self._shard and (everything or old or len(self._shard) >= SHARD_VIDEOS):
            shard, self._shard = self._shard, []
            self._journal.add(shard)

    def _failure(self, path: bytes, error: VideoError) -> FailedVideo:
        return FailedVideo(path, error.status, str(error), self._known.attempts(path) + 1)
