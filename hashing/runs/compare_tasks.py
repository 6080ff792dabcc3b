"""Measure what each task does to the codes: train once more without it and compare the bits."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainpipe.distribution import installed_version
from chainpipe.pipeline.errors import TimeLimitError, UsageError
from chainpipe.pipeline.store.base import FeatureStore

from ..config import Config
from ..config.overrides import from_dict
from ..data.validation_split import TrainValSplit
from ..methods.base import FitRequest
from ..methods.registry import METHODS, load_hasher
from ..model_folder.folder import ModelFacts
from ..model_folder.task_effects import TASK_EFFECTS, add_task_effects, is_only_loss, trained_tasks
from ..models.hasher import Hasher
from ..retrieval.encode import finite_features
from ..runtime import distributed
from ..runtime.determinism import blas_threads, deterministic_torch
from ..training.callbacks import Callbacks
from .options import TrainOptions

MOST_ENCODED = 2000  # videos
# With weight 0 a loss is not computed, so the later losses of a step would get other random numbers
# and change codes, too. This weight is lost by rounding in every sum, and the random numbers stay.
NO_EFFECT = 1e-30

Bits = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


def check_comparison(options: TrainOptions) -> None:
    """Check that the tasks of a run can be compared, before it starts.

    Raises:
        UsageError: If the method does not have the three tasks, or several processes train.
    """
    if not options.compare_tasks:
        return
    if not isinstance(METHODS[options.method].config, Config):
        hint = "leave out `--compare-tasks`: it compares tasks of CHAIN"
        raise UsageError(f"`--method {options.method}` has no tasks to compare", hint=hint)
    if distributed.launched_world_size() > 1:
        hint = "run it without `torchrun`"
        raise UsageError("`--compare-tasks` trains in one process", hint=hint)


def compare_tasks(
    store: FeatureStore,
    folder: Path,
    rows: Rows,
    split: TrainValSplit,
    options: TrainOptions,
    callbacks: Callbacks,
    *,
    end: float,
) -> ModelFacts:
    """Train once more without each task, and add the fractions of changed bits to a model folder.

    Tasks that were measured before are left out; each fraction is written when it is known.

    Args:
        store: The store that the model was trained on.
        folder: The folder of the finished model.
        rows: Rows of the B training videos, (B,).
        split: The same videos, split as they were for the model.
        options: The options of the run.
        callbacks: Training callbacks; ``start`` and ``step`` are called by each training.
        end: Time of the monotonic clock at which the time limit is reached.

    Returns:
        The metadata of the model with the task effects.

    Raises:
        UsageError: If another version of chainpipe made the model.
        StorageError: If the folder cannot be written.
        TimeLimitError: If the time limit is reached before the last task is measured.
    """
    facts, hasher = load_hasher(folder)
    tasks = trained_tasks(facts.config)
    if not facts.config["optim"]["epochs"] or not tasks:
        reason = (
            "none has a weight" if facts.config["optim"]["epochs"] else "no epochs were trained"
        )
        callbacks.log(f"no task is compared: {reason}")
        return facts
    effects = dict(facts.data.get(TASK_EFFECTS, {}))
    missing = [task for task in tasks if task not in effects]
    if missing and facts.version != installed_version():
        hint = "`--restart --compare-tasks` trains it anew"
        raise UsageError(f"`{folder}` was made by chainpipe {facts.version}", hint=hint)
    encoded = evenly_spaced(rows, MOST_ENCODED)
    codes = _encode(store, hasher, encoded, options.threads) if missing else None
    for task in missing:
        callbacks.log(f"training once more without `{task}`")
        callbacks.start(f"training without {task}")
        step = _until(end, callbacks.step)
        other = _train_without(task, facts, split, options, Callbacks(step=step))
        others = _encode(store, other, encoded, options.threads)
        effects[task] = float(np.mean(codes != others))
        facts = add_task_effects(folder, facts, effects)
        callbacks.log(f"`{task}` changed {100 * effects[task]:.2f} % of the bits")
    return facts


def without_task(config: dict[str, Any], task: str) -> dict[str, Any]:
    """Return a resolved config, as nested plain values, in which a task has no effect.

    If no other loss has a weight, no epoch is trained: the codes are the initial ones.

    >>> config = {"order": {"weight": 0.1}, "swav": {"weight": 1.0}, "optim": {"epochs": 9}}
    >>> without_task(config, "order")["order"], without_task(config, "order")["optim"]
    ({'weight': 1e-30}, {'epochs': 9})
    """
    if is_only_loss(task, config):
        return {**config, "optim": {**config["optim"], "epochs": 0}}
    return {**config, task: {**config[task], "weight": NO_EFFECT}}


def evenly_spaced(rows: Rows, most: int) -> Rows:
    """Return at most ``most`` of the rows, evenly spaced, the first and the last included.

    >>> evenly_spaced(np.arange(10, 20), 4), evenly_spaced(np.arange(3), 4)
    (array([10, 13, 16, 19]), array([0, 1, 2]))
    """
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]


def _train_without(
    task: str,
    facts: ModelFacts,
    split: TrainValSplit,
    options: TrainOptions,
    callbacks: Callbacks,
) -> Hasher:
    method = METHODS[facts.method]
    config = from_dict(without_task(facts.config, task), method.config or Config())
    request = FitRequest(
        bits=facts.bits,
        seed=facts.seed,
        device=options.device,
        threads=options.threads,
        validation=split.validation,
        compiled=options.compiled,
        callbacks=callbacks,
    )
    with blas_threads(options.threads):
        tensors = method.fit(config, split.training, request).tensors
    return method.load(config, tensors)


def _encode(store: FeatureStore, hasher: Hasher, rows: Rows, threads: int) -> Bits:
    """Encode the videos of B rows to codes (B, K)."""
    with blas_threads(threads), deterministic_torch(threads):
        return np.concatenate([hasher.encode(part) for _, part in finite_features(store, rows)])


def _until(end: float, step: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """Return a step callback that ends the training at a time of the monotonic clock."""

    def limited(done: int, total: int) -> None:
        step(done, total)
        if done < total and time.monotonic() >= end:
            hint = "run the same command again: it goes on with the tasks that are left"
            raise TimeLimitError(
                "the time limit is reached before all tasks are compared", hint=hint
            )

    return limited
