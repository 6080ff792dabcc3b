"""Training in Python: from features to a model, in memory or in a folder."""

from __future__ import annotations

import math
import os
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from chainpipe.hashing.config import AnyConfig
from chainpipe.hashing.config.aliases import canonical_values
from chainpipe.hashing.config.overrides import apply, flatten
from chainpipe.hashing.methods.registry import METHODS, check_method
from chainpipe.hashing.monitoring.failure_signatures import FailureSignature
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runs.train import train as run_training
from chainpipe.hashing.runtime import distributed
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.arrays.sources import Features
from chainpipe.pipeline.store.base import FeatureStore

from .model import Model, Progress, load_model
from .store import Store, reading

_DEFAULTS = TrainOptions()
Log = Callable[[str], None]
Epoch = Callable[[dict[str, float], int], None]


def train(
    features: Store | Features,
    *,
    bits: int,
    method: str = _DEFAULTS.method,
    out: str | os.PathLike[str] | None = None,
    seed: int = _DEFAULTS.seed,
    config: Mapping[str, object] | Literal["paper"] | None = None,
    epochs: int | None = None,
    device: str = _DEFAULTS.device,
    threads: int = _DEFAULTS.threads,
    memory: int = _DEFAULTS.memory,
    skip_bad: bool = _DEFAULTS.skip_bad,
    restart: bool = _DEFAULTS.restart,
    compiled: bool = _DEFAULTS.compiled,
    time_limit: float = _DEFAULTS.time_limit,
    compare_tasks: bool = _DEFAULTS.compare_tasks,
    progress: Progress | None = None,
    on_epoch: Epoch | None = None,
    log: Log | None = None,
) -> Model:
    """Train a model on features (N, T, D) without labels; write files only if ``out`` is given.

    Args:
        features: A store, the path of one, or an array [N, T, D] or [N, D]. Videos of the splits
            ``test`` and ``query`` are not trained on.
        bits: K, the length of a code, 1 to 256.
        method: ``chain``, ``conmh``, ``crovca-like``, ``pca-itq``, ``hashing-baseline``, ``lsh`` or
            ``random``.
        out: Model folder. With it an interrupted training continues, and a finished one with the
            same settings is loaded.
        seed: Random seed; equal seeds give equal codes.
        config: Settings by ``section.key``, such as ``{"order.weight": 0.3}``, or ``"paper"`` for
            the published variant; ``chainpipe train STORE --show-config`` prints all of them.
        epochs: Same as ``optim.epochs``.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: CPU threads.
        memory: RAM limit for training features in bytes; larger sets are streamed from disk.
        skip_bad: Leave out videos with NaN or infinity instead of raising an error.
        restart: Train from the start; an existing model in ``out`` is replaced at the end.
        compiled: Compile the network by ``torch.compile``.
        time_limit: Seconds after which the training is saved in ``out`` and ended.
        compare_tasks: Measure the fraction of bits that each task changes, by one more training
            without it; see the model card and ``Model.facts.data["task_effects"]``.
        progress: Called after each step with the steps done and the number of steps.
        on_epoch: Called after each epoch with its metrics and the number of epochs.
        log: Called with lines about the run.

    Returns:
        The model. Failure signatures are issued as Python warnings.

    Raises:
        UsageError: For a bad value, or features that do not fit.
        NotFoundError: If there is no such store.
        DamageError: If the store or an unfinished run is damaged.
        StorageError: If ``out`` cannot be written.
        LockedError: If another process trains into ``out``.
        TimeLimitError: If ``time_limit`` is reached before the last step.

    Example:
        >>> import chainpipe, numpy as np
        >>> features = np.random.default_rng(0).normal(size=(40, 6, 16)).astype("float32")
        >>> chainpipe.train(features, bits=16, epochs=1)
        Model(chain, 16 bits, 16 features per frame)
    """
    if distributed.launched_world_size() > 1:
        hint = "several processes train by `torchrun -m chainpipe train STORE`"
        raise UsageError("`train` of the Python API runs in one process", hint=hint)
    if out is None and time_limit < math.inf:
        raise UsageError("`time_limit` without `out` would lose the training", hint="give `out`")
    check_method(method, bits)
    options = TrainOptions(
        method=method,
        bits=bits,
        seed=seed,
        config=method_config(method, config, epochs),
        out=None if out is None else Path(out),
        device=device,
        threads=threads,
        restart=restart,
        skip_bad=skip_bad,
        memory=memory,
        time_limit=time_limit,
        compiled=compiled,
        compare_tasks=compare_tasks,
    )
    callbacks = _callbacks(progress, on_epoch, log)
    with reading(features) as store:
        if options.out is not None:
            return load_model(run_training(store, options, callbacks).folder)
        return _train_in_scratch(store, options, callbacks)


def _train_in_scratch(store: FeatureStore, options: TrainOptions, callbacks: Callbacks) -> Model:
    """Train in a temporary folder, which is removed at the end, without checkpoints."""
    with tempfile.TemporaryDirectory(prefix="chainpipe-") as scratch:
        here = replace(options, out=Path(scratch) / "model", checkpoint_seconds=math.inf)
        return load_model(run_training(store, here, callbacks).folder)


def method_config(
    method: str, config: Mapping[str, object] | Literal["paper"] | None, epochs: int | None
) -> AnyConfig | None:
    """Return the config of a method with changed settings, ``None`` if it has none.

    Raises:
        UsageError: For an unknown key, an invalid value, or an option the method does not have.

    Example:
        >>> method_config("chain", {"order.weight": 0.3}, 5).optim.epochs
        5
    """
    known_method = METHODS[method]
    chosen: AnyConfig | None = known_method.config
    if chosen is None:
        if config is not None or epochs is not None:
            hint = "leave out `config` and `epochs`"
            raise UsageError(f"method `{method}` has no settings", hint=hint)
        return None
    if isinstance(config, str):
        if config != "paper" or known_method.paper is None:
            known = " or 'paper'" if known_method.paper is not None else ""
            hint = f"settings by `section.key`{known}"
            raise UsageError(f"method `{method}` has no config `{config}`", hint=hint)
        chosen = known_method.paper
    elif config is not None:
        chosen = apply(chosen, canonical_values(_flat(config), warnings.warn))
    return chosen if epochs is None else apply(chosen, {"optim.epochs": epochs})


def _flat(config: Mapping[str, object]) -> Mapping[str, object]:
    nested = any(isinstance(value, Mapping) for value in config.values())
    return flatten(config) if nested else config


def _callbacks(progress: Progress | None, on_epoch: Epoch | None, log: Log | None) -> Callbacks:
    default = Callbacks()

    def warn(signature: FailureSignature) -> None:
        warnings.warn(f"failure signature: {signature}", RuntimeWarning, stacklevel=2)

    return Callbacks(
        step=progress or default.step,
        epoch=on_epoch or default.epoch,
        log=log or default.log,
        warn=warn,
    )
