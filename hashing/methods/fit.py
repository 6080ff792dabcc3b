"""Fit a learned method: build network and trainer, train under deterministic torch settings."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from chainpipe.pipeline.errors import UsageError

from ..model_folder.folder import Tensors
from ..runtime import distributed
from ..runtime.determinism import deterministic_torch
from ..training.checkpoint import State
from .base import FitRequest, Fitted, PreparedTraining


def fit_network(
    build: Callable[[torch.device, State | None], PreparedTraining], request: FitRequest
) -> Fitted:
    """Train a network.

    Args:
        build: Returns the network and its trainer, from the device and the state of an interrupted
            run.
        request: Bits, seed, device, threads, checkpoint and callbacks.

    Returns:
        The tensors, and the history: one row per epoch, or without epochs per distillation step.

    Raises:
        UsageError: If the config does not fit the videos, or `torch.compile` does not work here.
    """
    checkpoint, callbacks = request.checkpoint, request.callbacks
    state = distributed.broadcast_object(checkpoint.load() if checkpoint else None)
    with deterministic_torch(request.threads):
        prepared = build(pick_device(request.device), state)
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
    """Return the GPU of this process: the default one, or that of its local rank."""
    if distributed.world_size() == 1:
        return torch.device("cuda")
    number, count = distributed.local_rank(), torch.cuda.device_count()
    if number >= count:
        hint = f"start {count} processes on this machine, or train with `--device cpu`"
        raise UsageError(f"process {number} has no GPU of its own: there are {count}", hint=hint)
    torch.cuda.set_device(number)
    return torch.device("cuda", number)
