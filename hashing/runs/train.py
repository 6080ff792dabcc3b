"""Train a model: from a store to a model folder, resumable, written atomically."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.store.atomic import remove, storage_errors
from chainpipe.pipeline.store.base import FeatureStore
from chainpipe.pipeline.store.lock import OutputLock

from ..config.overrides import from_dict
from ..data.training_set import TrainingFrames, TrainingRows, training_rows
from ..data.validation_split import TrainValSplit, split_training_videos
from ..methods.base import FitRequest, Fitted
from ..methods.registry import METHODS, check_method
from ..model_folder.card import describe_split
from ..model_folder.folder import ModelFacts
from ..monitoring.history import HistoryRow
from ..runtime import distributed
from ..runtime.determinism import blas_threads
from ..training.callbacks import Callbacks
from .compare_tasks import check_comparison, compare_tasks
from .metadata import facts_of, save_run, with_data, with_outcome
from .options import TrainOptions, check_numbers, default_folder
from .resume import LOCK, STATE, check_same_run, finished, prepare, scratch_of


@dataclass(frozen=True, slots=True)
class TrainReport:
    """Result of `train`.

    Attributes:
        folder: The model folder.
        facts: The metadata of the model.
        history: One row per epoch, including those before an interruption.
        already_done: Whether the same run was finished before and nothing was done.
    """

    folder: Path
    facts: ModelFacts
    history: list[HistoryRow]
    already_done: bool = False


def train(
    store: FeatureStore, options: TrainOptions, callbacks: Callbacks | None = None
) -> TrainReport:
    """Train a model on a store, in one process or as rank 0 of several.

    Args:
        store: An open feature store.
        options: The options of the run.
        callbacks: Training callbacks.

    Raises:
        UsageError: For bad options or features, or if ``out`` holds a run with other settings.
        LockedError: If another process trains into the same folder.
        StorageError: If the model folder cannot be written.
        DamageError: If the checkpoint or the store is damaged.
        TimeLimitError: If the time limit is reached before the last step.
        DistributedError: If one of several processes has ended.
    """
    check_method(options.method, options.bits)
    check_numbers(options)
    check_comparison(options)
    end = time.monotonic() + options.time_limit
    callbacks = callbacks or Callbacks()
    with distributed.process_group(options.device):
        run: _Run | None = None
        try:
            run = _begin(store, options, callbacks)
        finally:
            # Also on an error: the workers wait for this broadcast, and `None` ends them.
            distributed.broadcast_object((run.chosen, run.facts) if run and run.lock else None)
        report = _finish(run, run.lock, options, callbacks) if run.lock else _left_alone(run)
        return _compare(store, run, report, options, callbacks, end)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run whose folder is locked and prepared, or, without a lock, one that was finished before.

    Attributes:
        folder: The model folder.
        chosen: The training videos.
        facts: The metadata that is known before training, or that of the finished model.
        split: Training and validation videos.
        lock: The lock of the folder; ``None`` if the model is finished.
    """

    folder: Path
    chosen: TrainingRows
    facts: ModelFacts
    split: TrainValSplit
    lock: OutputLock | None


def _begin(store: FeatureStore, options: TrainOptions, callbacks: Callbacks) -> _Run:
    chosen = training_rows(store, skip_bad=options.skip_bad)
    folder = options.out or default_folder(store.path, options.method, options.bits)
    scratch = scratch_of(folder)
    frames = TrainingFrames(store, chosen.rows, memory=options.memory, scratch=scratch)
    facts = facts_of(store, options, chosen, frames)
    split = split_training_videos(store, chosen, frames, facts.config)
    del frames  # it may have all features in memory
    facts = with_data(facts, held_out=split.count)
    _log_rows(chosen, callbacks.log)
    if split.message:
        callbacks.log(split.message)
    if decided := facts.data["decided"]:
        callbacks.log(decided)
    if cached := facts.data["cached"]:
        callbacks.log(f"views are drawn from {cached}")
    if not options.restart and (done := finished(folder)) is not None:
        check_same_run(done, facts, folder)
        return _Run(folder, chosen, done, split, None)
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = OutputLock(scratch / LOCK, folder)
    try:
        prepare(scratch, facts, restart=options.restart, log=callbacks.log)
    except Exception:
        _leave(scratch, lock)
        raise
    return _Run(folder, chosen, facts, split, lock)


def _left_alone(run: _Run) -> TrainReport:
    """Return the report of a run that was finished before."""
    return TrainReport(run.folder, run.facts, [], already_done=True)


def _finish(
    run: _Run, lock: OutputLock, options: TrainOptions, callbacks: Callbacks
) -> TrainReport:
    scratch = scratch_of(run.folder)
    if distributed.world_size() > 1:
        callbacks.log(f"{distributed.world_size()} processes train together")
    try:
        with blas_threads(options.threads):
            fitted = _fit(options, run.facts, run.split, scratch, callbacks)
        history = fitted.history
        facts = save_run(run.folder, with_outcome(run.facts, history), fitted.tensors, history)
        remove(scratch)
    except Exception:
        _leave(scratch, None)
        raise
    finally:
        lock.release()
    return TrainReport(run.folder, facts, history)


def _compare(
    store: FeatureStore,
    run: _Run,
    report: TrainReport,
    options: TrainOptions,
    callbacks: Callbacks,
    end: float,
) -> TrainReport:
    """Measure what each task does to the codes of a finished model, if that is asked for."""
    if not options.compare_tasks:
        return report
    scratch = scratch_of(run.folder)
    with storage_errors(run.folder):
        lock = OutputLock(scratch / LOCK, run.folder)
    try:
        facts = compare_tasks(
            store, run.folder, run.chosen.rows, run.split, options, callbacks, end=end
        )
    finally:
        _leave(scratch, lock)
    nothing_done = report.already_done and facts == report.facts
    return replace(report, facts=facts, already_done=nothing_done)


def _leave(scratch: Path, lock: OutputLock | None) -> None:
    """Release the lock; remove the scratch folder if it has no checkpoint to resume from."""
    if not (scratch / STATE).exists():
        remove(scratch)
    if lock is not None:
        lock.release()


def _fit(
    options: TrainOptions,
    facts: ModelFacts,
    split: TrainValSplit,
    scratch: Path,
    callbacks: Callbacks,
) -> Fitted:
    method = METHODS[options.method]
    config = method.config
    checkpoint = None
    if config is not None:
        from ..training.checkpoint import Checkpoint

        config = from_dict(facts.config, config)
        checkpoint = Checkpoint(
            scratch / STATE, every=options.checkpoint_seconds, limit=options.time_limit
        )
    request = FitRequest(
        bits=options.bits,
        seed=options.seed,
        device=options.device,
        threads=options.threads,
        checkpoint=checkpoint,
        validation=split.validation,
        compiled=options.compiled,
        callbacks=callbacks,
    )
    return method.fit(config, split.training, request)


def _log_rows(chosen: TrainingRows, log: Callable[[str], None]) -> None:
    log(f"{counted(len(chosen), 'training video')} ({describe_split(chosen.split)})")
    if chosen.duplicates:
        log(f"{counted(chosen.duplicates, 'row')} left out: same bytes as an earlier row")
    if chosen.bad:
        log(f"{counted(len(chosen.bad), 'row')} left out: NaN or Inf")
