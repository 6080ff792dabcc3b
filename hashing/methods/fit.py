"""Fitting a learned method in memory: network, loop, under fixed torch settings."""

from __future__ import annotations

import torch
from torch import nn

from chainpipe.pipeline.errors import UsageError

from ..data.training_set import TrainingFrames
from ..model_folder.folder import Tensors
from ..runtime import distributed
from ..runtime.determinism import deterministic_torch
from .base import FitRequest, Fitted, Kind, LearnedMethod


def fit_network(
    method: LearnedMethod[Kind], config: Kind, frames: TrainingFrames, request: FitRequest
) -> Fitted:
    """Train a network.

    Args:
        method: Which.
        config: Of the method, without ``auto``.
        frames: The training videos.
        request: How.

    Returns:
        The tensors, and the history: a row an epoch, or without epochs a row a distilling step.

    Raises:
        UsageError: If the config asks for what the videos do not have, or this machine lacks what
            `torch.compile` needs.
    """
    checkpoint, callbacks = request.checkpoint, request.callbacks
    state = distributed.broadcast_object(checkpoint.load() if checkpoint else None)
    with deterministic_torch(request.threads):
        prepared = method.build(
            config,
            frames,
            bits=request.bits,
            seed=request.seed,
            device=pick_device(request.device),
            state=state,
            validation=request.validation,
            compiled=request.compiled,
        )
        if prepared.trainer.steps:
            callbacks.log(prepared.trainer.clips.where)
        history = prepared.trainer.run(checkpoint=checkpoint, callbacks=callbacks)
    return Fitted(tensors_of(prepared.model), history or prepared.init_history)


def tensors_of(model: nn.Module) -> Tensors:
    """Return all weights and buffers as arrays."""
    return {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}


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
