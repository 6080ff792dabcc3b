"""One store of a run while it is made: what it lacks, what it takes, the shard in hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from ..inputs.manifest import Manifest
from ..records import FailedVideo, VideoFeatures
from ..store import FeatureStore, Journal, open_store
from .duplicates import Claims, Originals, Twin
from .features import Recipe
from .options import ExtractOptions
from .pending import Known, last_written, to_do

SHARD_VIDEOS = 64
SHARD_SECONDS = 10.0


class Output:
    """A store and its journal; finished videos are committed a shard at a time.

    Args:
        journal: Takes what is finished.
        old: The finished store to add to, if any.
        known: What earlier runs found out.
        recipe: How a video becomes features.
        manifest: All videos.
        options: Says which failed videos are tried again.

    Attributes:
        due: Paths of the videos that it lacks.
        claims: Which content is read under which path.
        decoded: Videos taken that were decoded in this run.
        copied: Videos whose bytes were known already.
    """

    def __init__(
        self, journal: Journal, old: FeatureStore | None, known: Known, recipe: Recipe,
        manifest: Manifest, options: ExtractOptions,
    ) -> None:  # fmt: skip
        self.journal, self.old, self.recipe = journal, old, recipe
        self.due = frozenset(item.path for item in to_do(manifest, known, options.retry))
        self.claims = Claims(known.contents())
        self.decoded = 0
        self.copied = 0
        self._known = known
        self._shard: list[VideoFeatures] = []
        self._shard_began = 0.0

    @property
    def out(self) -> Path:
        """Return the store's place."""
        return self.journal.out

    def note(self, outcome: VideoFeatures | FailedVideo) -> None:
        """Take what became of a video that was read in this run."""
        if isinstance(outcome, FailedVideo):
            self.journal.fail(outcome)
        else:
            self.decoded += 1
            self._take(outcome)

    def attempts(self, path: bytes) -> int:
        """Return how often a video had failed before this run."""
        return self._known.attempts(path)

    def adopt(self, unit: Path) -> None:
        """Take the sealed file that another machine made of a unit.

        Raises:
            DamageError: If it is missing or altered.
            StorageError: If the disk does not take it.
        """
        self.decoded += len(self.journal.adopt(unit).done)

    def commit(self, *, everything: bool = False) -> None:
        """Commit the shard if it is large or old enough, or if ``everything`` must be safe.

        Raises:
            StorageError: If the disk does not take it.
        """
        old = time.monotonic() - self._shard_began >= SHARD_SECONDS
        if self._shard and (everything or old or len(self._shard) >= SHARD_VIDEOS):
            shard, self._shard = self._shard, []
            self.journal.add(shard)

    def settle(self, twins: Sequence[Twin], between: Callable[[], None]) -> list[Twin]:
        """Give twins the features, or the lasting failure, of their bytes; return the others.

        Args:
            twins: Videos whose bytes another one has.
            between: Called after each that is settled.
        """
        if not twins:
            return []
        originals = Originals(self.journal, self.old)
        failed = {video.path: video for video in self.journal.failed()}
        left = []
        for twin in twins:
            origin = failed.get(self.claims.claim(twin.video_id, twin.item.path))
            if (video := originals.find(twin.video_id)) is not None:
                self._copy(video, twin)
            elif origin is not None and not origin.status.tried_again:
                attempts = self.attempts(twin.item.path) + 1
                self.note(replace(origin, path=twin.item.path, attempts=attempts))
            else:  # its bytes could not be read there; they may be readable here
                left.append(twin)
                continue
            self.commit()
            between()
        self.commit(everything=True)
        for twin in left:
            self.claims.release(twin.video_id)
        return left

    def _copy(self, video: VideoFeatures, twin: Twin) -> None:
        facts = twin.identity
        self._take(replace(video, path=twin.item.path, size=facts.size, mtime_ns=facts.mtime_ns))
        self.copied += 1

    def _take(self, video: VideoFeatures) -> None:
        if not self._shard:
            self._shard_began = time.monotonic()
        self._shard.append(video)


@contextmanager
def opened_outputs(
    options: ExtractOptions, manifest: Manifest, recipes: Sequence[Recipe]
) -> Iterator[list[Output]]:
    """Lock every store of a run and find what it lacks.

    Raises:
        UsageError: If one was made with other settings.
        LockedError: If another process writes one.
        DamageError: If one to add to is damaged.
        StorageError: If the disk does not take a journal.
    """
    with ExitStack() as stack:
        outputs = []
        for (_, out), recipe in zip(options.targets, recipes, strict=True):
            since = last_written(out)
            journal = stack.enter_context(
                Journal.open(out, root=manifest.root, meta=recipe.meta, restart=options.restart)
            )
            fresh = journal.anew or not out.exists()
            old = None if fresh else stack.enter_context(open_store(out))
            known = Known.of(journal, old, since)
            outputs.append(Output(journal, old, known, recipe, manifest, options))
        yield outputs
