"""One store of a run being written: missing videos, results, open shard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from ..console import printable
from ..inputs.manifest import Manifest
from ..options import OutputOptions
from ..records import FailedVideo, Status, VideoFeatures
from ..store import FeatureStore, Journal, open_store
from .duplicates import ContentClaims, Duplicate, FinishedFeatures
from .extraction_spec import ExtractionSpec
from .moved_library import SAMPLE, check_moved, find_files
from .pending import EarlierRuns, last_written, pending_videos

SHARD_VIDEOS = 64
SHARD_SECONDS = 10.0
SHARD_FRAMES = 1 << 14  # of stores made per time, whose videos may be films
_MOVED = (
    "if its videos moved there, `chainpipe relocate` compares them all; else choose another "
    "`--out`, or add `--restart` to build it anew"
)


class Output:
    """A store and its journal; finished videos are committed a shard at a time.

    Args:
        journal: Takes what is finished.
        old: The finished store to add to, if any.
        known: What earlier runs found out.
        spec: How a video becomes features.
        manifest: All videos.
        retry: Statuses of failed videos that are tried again.

    Attributes:
        pending: Paths of the videos that it lacks.
        claims: Which content is read under which path.
        decoded: Videos taken that were decoded in this run.
        copied: Videos whose bytes were known already.
        failed_before: The videos that failed in the runs that wrote the finished store.
    """

    def __init__(
        self,
        journal: Journal,
        old: FeatureStore | None,
        known: EarlierRuns,
        spec: ExtractionSpec,
        manifest: Manifest,
        retry: frozenset[Status],
    ) -> None:
        self.journal, self.old, self.spec = journal, old, spec
        self.pending = frozenset(item.path for item in pending_videos(manifest, known, retry))
        self._failed_contents = known.failed_contents(retry)
        self.claims = ContentClaims(known.contents() | self._failed_contents.keys())
        self.failed_before = () if old is None else old.failed
        self.decoded = 0
        self.copied = 0
        self._known = known
        self._shard: list[VideoFeatures] = []
        self._shard_began = 0.0
        self._shard_frames = 0

    @property
    def out(self) -> Path:
        """Return the store's place."""
        return self.journal.out

    def record(self, outcome: VideoFeatures | FailedVideo) -> None:
        """Record the result of a video that was read in this run."""
        if isinstance(outcome, FailedVideo):
            self.journal.fail(outcome)
        else:
            self.decoded += 1
            self._append(outcome)

    def attempts(self, path: bytes) -> int:
        """Return how often a video had failed before this run."""
        return self._known.attempts(path)

    def import_unit(self, unit: Path) -> None:
        """Import the result file of a unit that another machine extracted.

        Raises:
            DamageError: If it is missing or altered.
            StorageError: If the disk does not take it.
        """
        self.decoded += len(self.journal.import_unit(unit).done)

    def commit(self, *, force: bool = False) -> None:
        """Commit the shard if it is large or old enough, or if ``force`` must be safe.

        Raises:
            StorageError: If the disk does not take it.
        """
        old = time.monotonic() - self._shard_began >= SHARD_SECONDS
        full = len(self._shard) >= SHARD_VIDEOS or self._shard_frames >= SHARD_FRAMES
        if self._shard and (force or old or full):
            self._shard_frames = 0
            shard, self._shard = self._shard, []
            self.journal.add(shard)

    def resolve_duplicates(
        self, duplicates: Sequence[Duplicate], on_resolved: Callable[[], None]
    ) -> list[Duplicate]:
        """Copy features or permanent failures to duplicates; return the others.

        Args:
            duplicates: Videos whose bytes another one has.
            on_resolved: Called after each that is settled.
        """
        if not duplicates:
            return []
        finished_features = FinishedFeatures(self.journal, self.old)
        failed = {video.path: video for video in self.journal.failed()}
        left = []
        for duplicate in duplicates:
            origin = failed.get(self.claims.claim(duplicate.video_id, duplicate.item.path))
            known = self._failed_contents.get(duplicate.video_id)
            if (video := finished_features.find(duplicate.video_id)) is not None:
                self._copy_features(video, duplicate)
            elif known is not None:  # it failed in an earlier run, maybe in another folder
                self._copy_failure(known, duplicate, known.attempts)
            elif origin is not None and not origin.status.is_retried:
                self._copy_failure(origin, duplicate, self.attempts(duplicate.item.path) + 1)
            else:  # its bytes could not be read there; they may be readable here
                left.append(duplicate)
                continue
            self.commit()
            on_resolved()
        self.commit(force=True)
        for duplicate in left:
            self.claims.release(duplicate.video_id)
        return left

    def _copy_features(self, video: VideoFeatures, duplicate: Duplicate) -> None:
        facts = duplicate.identity
        self._append(
            replace(video, path=duplicate.item.path, size=facts.size, mtime_ns=facts.mtime_ns)
        )
        self.copied += 1

    def _copy_failure(self, video: FailedVideo, duplicate: Duplicate, attempts: int) -> None:
        facts, path = duplicate.identity, duplicate.item.path
        place = replace(video, path=path, size=facts.size, mtime_ns=facts.mtime_ns)
        self.record(replace(place, attempts=attempts))

    def _append(self, video: VideoFeatures) -> None:
        if not self._shard:
            self._shard_began = time.monotonic()
        self._shard.append(video)
        self._shard_frames += len(video.features)


@contextmanager
def open_outputs(
    outs: Sequence[Path],
    manifest: Manifest,
    specs: Sequence[ExtractionSpec],
    *,
    retry: frozenset[Status] = frozenset(),
    restart: bool = OutputOptions.restart,
    log: Callable[[str], None] = lambda line: None,
) -> Iterator[list[Output]]:
    """Lock every store of a run and find what it lacks.

    Args:
        outs: Paths of the stores.
        manifest: All videos.
        specs: One for each store.
        retry: Statuses of failed videos that are tried again.
        restart: Whether to build the stores anew.
        log: Told when the videos of a store are in another folder than before.

    Raises:
        UsageError: If one was made with other settings, or of other videos.
        LockedError: If another process writes one.
        DamageError: If one to add to is damaged.
        StorageError: If the disk does not take a journal.
    """
    with ExitStack() as stack:
        outputs = []
        for out, spec in zip(outs, specs, strict=True):
            since = last_written(out)
            journal = stack.enter_context(
                Journal.open(
                    out, root=manifest.root, meta=spec.meta, restart=restart, any_root=True
                )
            )
            fresh = journal.restart or not out.exists()
            old = None if fresh else stack.enter_context(open_store(out))
            known = EarlierRuns.of(journal, old, since)
            before = {journal.started_root} if old is None else {journal.started_root, old.root}
            if roots := sorted(before - {manifest.root}):
                found = find_files(known.done, manifest, sample=SAMPLE)
                check_moved(out, roots, known.done, found, manifest, hint=_MOVED)
                moved = f"from `{printable(roots[0])}` to `{printable(manifest.root)}`"
                log(f"the videos of `{printable(out)}` moved {moved}")
            outputs.append(Output(journal, old, known, spec, manifest, retry))
        yield outputs
