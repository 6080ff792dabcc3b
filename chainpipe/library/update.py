"""Bring a library up to date: extract what changed, refresh its codes, say what is new."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chainpipe.hashing.duplicates.decisions import decisions_beside, read_decisions
from chainpipe.hashing.matching.records import Relation
from chainpipe.pipeline.backbones import Backbone
from chainpipe.pipeline.console import Console
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.known_failures import new_failures
from chainpipe.pipeline.extraction.signals import StopRequest
from chainpipe.pipeline.extraction.store_inputs import options_of
from chainpipe.pipeline.options import BackboneOptions, available_cpus
from chainpipe.pipeline.records import FailedVideo, Status
from chainpipe.pipeline.store.atomic import leftovers, remove, storage_errors
from chainpipe.pipeline.store.base import FeatureStore
from chainpipe.pipeline.store.lock import LOCK_NAME, OutputLock, release_lock
from chainpipe.pipeline.store.open import open_store

from .changes import Changes, changes_between
from .codes_refresh import RefreshedCodes, refresh_codes
from .known_videos import FILE, KnownVideos
from .model_choice import model_of
from .new_answers import NewVideo, answers_of_new

SETTLE = 2.0  # seconds without a change after which a file counts as finished
STATE = ".update"  # a folder of this suffix beside the store holds lock and known videos


@dataclass(frozen=True, slots=True)
class UpdateOptions:
    """How a library is brought up to date; everything else comes from its store.

    Attributes:
        videos: Folder or list of its videos, where they are not where they were.
        model: Folder of the model; by default the newest that was trained on the store.
        codes: The codes file; by default that of the model folder.
        prune: Whether to drop the rows of files that are gone.
        prune_folders: Whether to drop the rows of files whose folder is gone, too.
        retry: Statuses of failed videos that are tried again.
        settle: Seconds without a change after which a file counts as finished.
        compare: Whether to say what new videos are similar to.
        workers: Videos decoded at a time; ``None``: one a core.
        device: Where the backbone runs.
        trust_weights: Whether pickled weights may be read.
    """

    videos: Path | None = None
    model: Path | None = None
    codes: Path | None = None
    prune: bool = False
    prune_folders: bool = False
    retry: frozenset[Status] = frozenset()
    settle: float = SETTLE
    compare: bool = True
    workers: int | None = None
    device: str = BackboneOptions.device
    trust_weights: bool = BackboneOptions.trust_weights


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update found and did.

    Attributes:
        store: The store.
        root: Folder of its videos.
        videos: N, its rows.
        changes: Files that are not as at the last update.
        missing: How many rows have no file.
        failed: How many videos cannot be read.
        new_failures: Those of them that could, or were not there, at the last update.
        growing: Files that are still being written; the next update reads them.
        model: Folder of the model; ``None`` without one.
        codes: The codes file; ``None`` without a model.
        encoded: Videos that were encoded now.
        new: New and changed videos, with what they are similar to.
        decoded: Videos that were decoded now.
        written: Whether store or codes were written.
        seconds: Time of this run.
    """

    store: Path
    root: bytes
    videos: int
    changes: Changes
    missing: int
    failed: int
    new_failures: tuple[FailedVideo, ...]
    growing: tuple[bytes, ...]
    model: Path | None
    codes: Path | None
    encoded: int
    new: tuple[NewVideo, ...]
    decoded: int
    written: bool
    seconds: float

    @property
    def copies(self) -> tuple[NewVideo, ...]:
        """Return the new videos that are copies of others."""
        return tuple(
            video
            for video in self.new
            if any(answer.relation is Relation.COPY for answer in video.answers)
        )

    @property
    def exit_code(self) -> int:
        """Return 3 if videos failed that had not failed before, else 0."""
        return 3 if self.new_failures else 0


@dataclass(slots=True)
class _Refreshed:
    model: Path | None = None
    codes: RefreshedCodes | None = None
    new: list[NewVideo] = field(default_factory=list)


def update_library(
    store: Path,
    options: UpdateOptions | None = None,
    *,
    console: Console | None = None,
    backbone: Backbone | None = None,
) -> UpdateReport:
    """Bring a store and its codes up to date with the files, and say what changed.

    It may be killed at any moment: the next run goes on, and tells what changed since the last
    run that ended.

    Args:
        store: Of the library.
        options: How.
        console: Where progress goes; nowhere by default.
        backbone: Used instead of building the store's.

    Raises:
        NotFoundError: If there is no such store, or no model in the folder that was named.
        UsageError: If its videos are not there, an option is wrong, or the model reads other
            features.
        LockedError: If another process updates or writes it.
        DamageError: If store, model or codes are damaged.
        StorageError: If the disk does not take it.
        Interrupted: If a signal asked to stop.
    """
    options, console = options or UpdateOptions(), console or Console(quiet=True)
    start = time.monotonic()
    with StopRequest() as stop, _locked(store) as folder:
        with open_store(store) as opened:
            asked = options_of(opened, source=options.videos)
            before = KnownVideos.of(opened)
        model = model_of(store, options.model)
        if (known := KnownVideos.load(folder)) is None:
            known = before.all_there()  # as when they were extracted: what is gone is told
            known.save(folder)
        report = extract(
            asked.changed(
                prune=options.prune,
                prune_folders=options.prune_folders,
                accept_failures=True,
                retry=options.retry,
                settle=options.settle,
                workers=options.workers or available_cpus(),
                device=options.device,
                trust_weights=options.trust_weights,
            ),
            console=console,
            backbone=backbone,
        )
        stop.check()
        with open_store(store) as opened:
            after = KnownVideos.of(opened)
            changes = changes_between(known, after)
            made = _Refreshed()
            if model is not None:
                made.model = model[0]
                with console.progress("encode", None) as advance:
                    made.codes = refresh_codes(
                        opened,
                        *model,
                        earlier=(known, before),
                        out=options.codes,
                        progress=_polled(advance, stop),
                    )
            if options.compare:
                made.new = _compared(opened, after, changes, made.codes, console, stop)
            failures = new_failures(opened.failed, known.failed)
            root = opened.root
        after.save(folder)
    return UpdateReport(
        store=store,
        root=root,
        videos=len(after.paths),
        changes=changes,
        missing=int((~after.present).sum()),
        failed=len(after.failed),
        new_failures=failures,
        growing=report.growing,
        model=made.model,
        codes=made.codes.path if made.codes else None,
        encoded=made.codes.encoded if made.codes else 0,
        new=tuple(made.new),
        decoded=report.decoded,
        written=report.written or bool(made.codes and made.codes.written),
        seconds=time.monotonic() - start,
    )


def _compared(
    store: FeatureStore,
    after: KnownVideos,
    changes: Changes,
    codes: RefreshedCodes | None,
    console: Console,
    stop: StopRequest,
) -> list[NewVideo]:
    """Say what new and changed videos are to the others."""
    wanted = {*changes.added, *changes.changed}
    rows = [row for row, path in enumerate(after.paths) if path in wanted and after.present[row]]
    with console.progress("compare what is new", len(rows)) as advance:
        return answers_of_new(
            store,
            rows,
            after.present,
            packed=codes.codes.packed if codes else None,
            bits=codes.codes.bits if codes else 0,
            decisions=read_decisions(decisions_beside(store.path)),
            advance=_polled(advance, stop),
        )


def _polled(advance: Callable[[int], None], stop: StopRequest) -> Callable[[int], None]:
    def step(count: int) -> None:
        advance(count)
        stop.check()

    return step


@contextmanager
def _locked(store: Path) -> Iterator[Path]:
    """Hold the lock against a second update; yield the folder of its state."""
    if not store.exists():
        open_store(store).close()  # says what is wrong
    folder = store.with_name(store.name + STATE)
    with storage_errors(folder):
        lock = OutputLock(folder / LOCK_NAME, store)
    try:
        for left in leftovers(folder / FILE):
            remove(left)
        yield folder
    finally:
        release_lock(lock)
