"""Fitting CHAIN in memory: statistics, projection, network, loop, under fixed torch settings."""

from __future__ import annotations

from collections.abc import Callable

import torch

from hashing.builder import (
    add_cached,
    build_model,
    build_trainer,
    front_of,
    make_clips,
    start_hash_layer,
    tensors_of,
)
from hashing.checkpoint import Checkpoint, State
from hashing.config import Config
from hashing.curves import HistoryRow
from hashing.dataset import TrainingFrames
from hashing.front import Front, fit_front
from hashing.modelfolder import Tensors
from hashing.needs import check_frames
from hashing.presets import number
from hashing.threads import settled_torch
from pipeline.errors import UsageError


def fit_chain(
    config: Config,
    frames: TrainingFrames,
    *,
    bits: int,
    seed: int,
    device: str = "auto",
    threads: int = 1,
    checkpoint: Checkpoint | None = None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    on_epoch: Callable[[HistoryRow, int], None] = lambda row, total: None,
) -> tuple[Tensors, list[HistoryRow]]:
    """Train CHAIN and return its tensors and history.

    Args:
        config: Without ``auto``.
        frames: The training videos.
        bits: K.
        seed: Of everything that is drawn.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: Of torch; another number may change the last digits.
        checkpoint: Where to continue from and to save to.
        on_step: Told the steps done and the total.
        on_epoch: Told the means of each finished epoch, and how many epochs there are.

    Returns:
        The tensors, and the history: a row an epoch, or without epochs a row a distilling step.

    Raises:
        UsageError: If the config asks for what the videos do not have.
    """
    check_frames(config, frames.frames)
    state = checkpoint.load() if checkpoint else None
    with settled_torch(threads):
        front = _front(config, frames, state)
        projected = frames.project(front)  # (N, T, M)
        started: list[HistoryRow] = []
        model = build_model(config, front, bits=bits, seed=seed)
        if config.hash.init == "pca-itq" and state is None:
            started = start_hash_layer(config, model, projected, bits=bits, seed=seed)
        model.to(pick_device(device))
        clips = make_clips(config, front, projected, seed=seed)
        clips = add_cached(config, clips, frames, front)
        trainer = build_trainer(config, model, clips, seed=seed)
        history = trainer.run(checkpoint=checkpoint, on_step=on_step, on_epoch=on_epoch)
    return tensors_of(model), history or started


def _front(config: Config, frames: TrainingFrames, state: State | None) -> Front:
    """Measure the front, or take it from an interrupted run."""
    if state is not None:
        kept = {k.removeprefix("model."): t for k, t in state["objective"].items() if "front_" in k}
        return front_of(config, {name: tensor.numpy() for name, tensor in kept.items()})
    return fit_front(
        frames.frames_flat(),
        dims=config.input.dims,
        whitening=number(config.input.whitening),
        unit_frames=config.input.unit_frames,
    )


def pick_device(name: str) -> torch.device:
    """Return the torch device for ``auto``, ``cpu`` or ``cuda``.

    Raises:
        UsageError: If there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cpu" or (name == "cuda" and torch.cuda.is_available()):
        return torch.device(name)
    reason = "this machine has none" if name == "cuda" else "one of auto, cpu, cuda"
    raise UsageError(f"no device `{name}`", hint=reason)
