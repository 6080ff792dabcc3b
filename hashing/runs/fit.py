"""Fitting a learned method in memory: network, loop, under fixed torch settings."""

from __future__ import annotations

from collections.abc import Callable

import torch

from chainpipe.pipeline.errors import UsageError

from ..data.training_set import TrainingFrames
from ..methods.base import Kind, LearnedMethod
from ..methods.chain.build_model import tensors_of
from ..model_folder.folder import Tensors
from ..monitoring.failure_signatures import FailureSignature
from ..monitoring.history import HistoryRow
from ..runtime import distributed
from ..runtime.determinism import deterministic_torch
from ..training.checkpoint import Checkpoint


def fit(
    method: LearnedMethod[Kind],
    config: Kind,
    frames: TrainingFrames,
    *,
    bits: int,
    seed: int,
    device: str = "auto",
    threads: int = 1,
    checkpoint: Checkpoint | None = None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    on_epoch: Callable[[HistoryRow, int], None] = lambda row, total: None,
    validation: TrainingFrames | None = None,
    on_failure: Callable[[FailureSignature], None] = lambda signature: None,
    log: Callable[[str], None] = lambda line: None,
    compiled: bool = False,
) -> tuple[Tensors, list[HistoryRow]]:
    """Train a model and return its tensors and history.

    Args:
        method: Which.
        config: Of the method, without ``auto``.
        frames: The training videos.
        bits: K.
        seed: Of everything that is drawn.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: Of torch; another number may change the last digits.
        checkpoint: Where to continue from and to save to.
        on_step: Told the steps done and the total.
        on_epoch: Told the means of each finished epoch, and how many epochs there are.
        validation: Videos that are not trained on and watch the training.
        on_failure: Told a failure signature when it is first found.
        log: Told where the training frames are.
        compiled: Whether `torch.compile` makes the steps faster.

    Returns:
        The tensors, and the history: a row an epoch, or without epochs a row a distilling step.

    Raises:
        UsageError: If the config asks for what the videos do not have, or this machine lacks what
            `torch.compile` needs.
    """
    state = distributed.broadcast_object(checkpoint.load() if checkpoint else None)
    with deterministic_torch(threads):
        prepared = method.build(
            config,
            frames,
            bits=bits,
            seed=seed,
            device=pick_device(device),
            state=state,
            validation=validation,
            compiled=compiled,
        )
        if prepared.trainer.steps:
            log(prepared.trainer.clips.where)
        history = prepared.trainer.run(
            checkpoint=checkpoint, on_step=on_step, on_epoch=on_epoch, on_failure=on_failure
        )
    return tensors_of(prepared.model), history or prepared.init_history


def pick_device(name: str) -> torch.device:
    """Return the torch device for ``auto``, ``cpu`` or ``cuda``.

    Raises:
        UsageError: If there is no such device here.
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if name in ("auto", "cuda") and torch.cuda.is_available():
        return _own_gpu()
    reason = "this machine has none" if name == "cuda" else "one of auto, cpu, cuda"
    raise UsageError(f"no device `{name}`", hint=reason)


def _own_gpu() -> torch.device:
    """Return the GPU of this process: the only one it needs, or its own of several processes."""
    if distributed.world_size() == 1:
        return torch.device("cuda")
    number, count = distributed.local_rank(), torch.cuda.device_count()
    if number >= count:
        hint = f"start {count} processes on this machine, or train with `--device cpu`"
        raise UsageError(f"process {number} has no GPU of its own: there are {count}", hint=hint)
    torch.cuda.set_device(number)
    return torch.device("cuda", number)
