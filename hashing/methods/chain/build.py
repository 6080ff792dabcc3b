"""CHAIN: from a resolved config and training videos to a network and its trainer."""

from __future__ import annotations

import torch

from ...config import Config
from ...config.presets import number
from ...data.requirements import check_frames
from ...data.streamed_clips import StoredClips
from ...data.training_set import TrainingFrames
from ...models.pca_whitening import Front, fit_front
from ...monitoring.history import HistoryRow
from ...training.checkpoint import State
from ...views.view_maker import Clips
from ..base import Ready
from .build_model import build_model, front_of
from .build_trainer import build_trainer, make_clips, make_stored_clips
from .cached import add_cached, cached_numbers
from .init_hash_layer import Frames, start_hash_layer


def build(
    config: Config,
    frames: TrainingFrames,
    *,
    bits: int,
    seed: int,
    device: torch.device,
    state: State | None,
    held: TrainingFrames | None = None,
    compiled: bool = False,
) -> Ready:
    """Put CHAIN's network and trainer together; see ``Build``."""
    check_frames(config, frames.frames)
    front = _front(config, frames, state)
    projected, clips = _clips(config, frames, front, seed=seed)
    started: list[HistoryRow] = []
    model = build_model(config, front, bits=bits, seed=seed)
    if config.hash.init == "pca-itq" and state is None:
        started = start_hash_layer(config, model, projected, bits=bits, seed=seed)
    model.to(device)
    watching = None
    if held is not None:
        watching = _in_memory(config, held, front, seed=seed)[1]
    trainer = build_trainer(config, model, clips, seed=seed, held=watching, compiled=compiled)
    return Ready(model, trainer, started)


def _clips(
    config: Config, frames: TrainingFrames, front: Front, *, seed: int
) -> tuple[Frames, Clips | StoredClips]:
    """Take all frames through the front, (N, T, M), to memory or to a file: as they fit."""
    numbers = frames.frames * front.matrix.shape[1]
    if frames.fit_in_memory(numbers * (1 + cached_numbers(config, frames))):
        return _in_memory(config, frames, front, seed=seed)
    stored = frames.to_disk((front(part) for part in frames.videos()), name="frames")
    more = make_stored_clips(config, front, stored, seed=seed)
    return stored, add_cached(config, more, frames, front)


def _in_memory(
    config: Config, frames: TrainingFrames, front: Front, *, seed: int
) -> tuple[Frames, Clips]:

    held = frames.project(front)
    clips = make_clips(config, front, held, seed=seed)
    return held, add_cached(config, clips, frames, front)


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
