"""Build ConMH's network and trainer from its config."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...data.clips import Clips
from ...data.device_placement import move_clips, place_clips
from ...data.streamed_clips import StoredClips, TrainingClips
from ...data.training_set import TrainingFrames
from ...runtime.schedules import step_decay
from ...runtime.seeding import derive_seed
from ...training.forward import ForwardRunner
from ...training.trainer import Trainer
from ...training.validation import ValidationPlan, validation_interval
from ..base import PreparedTraining
from .anchors import find_anchors
from .centres import S5vhCentreLoss, centre_codes
from .config import ConmhConfig
from .decoder import ConmhDecoder
from .network import ConmhModel
from .objective import ConmhObjective
from .similarity import BthSimilarityLoss
from .terms import ExtraLosses

_VIDEOS_AN_ANCHOR = 20  # at least [I]; FCVID has 23 for each of BTH's anchors


def build(
    config: ConmhConfig,
    frames: TrainingFrames,
    *,
    bits: int,
    seed: int,
    device: torch.device,
    validation: TrainingFrames | None = None,
    compiled: bool = False,
) -> PreparedTraining:
    """Build network and trainer on the unprojected features."""
    run = ForwardRunner(precision=config.optim.precision, compiled=compiled)
    losses = extra_losses(config, frames, bits=bits, seed=seed)
    objective = build_objective(
        config, dims=frames.dim, bits=bits, seed=seed, losses=losses, run=run
    ).to(device)
    validation_clips = None if validation is None else move_clips(_in_memory(validation), device)
    clips = place_clips(_clips(frames), device)
    trainer = build_trainer(config, objective, clips, seed=seed, validation=validation_clips)
    return PreparedTraining(objective.model, trainer, [])


def _clips(frames: TrainingFrames) -> TrainingClips:
    """Return all features, (N, T, D), in memory if they fit, else in a file."""
    if frames.fit_in_memory(frames.frames * frames.dim):
        return _in_memory(frames)
    stored = frames.to_disk((unchanged(part) for part in frames.videos()), name="frames")
    return StoredClips(stored, stored, torch.ones(frames.dim))  # ConMH does not use means


def _in_memory(frames: TrainingFrames) -> Clips:
    features = torch.from_numpy(frames.project(unchanged))
    return Clips(features, features.mean(dim=1), torch.ones(frames.dim))


def unchanged(features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return the features as float32: ConMH uses no PCA and no scaling."""
    return features.astype(np.float32)


def build_objective(
    config: ConmhConfig,
    *,
    dims: int,
    bits: int,
    seed: int,
    losses: ExtraLosses | None = None,
    run: ForwardRunner | None = None,
) -> ConmhObjective:
    """Build the networks with seeded initial weights; torch's global generator is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights", 0))
        model = build_model(config, dims=dims, bits=bits)
        decoder = ConmhDecoder(
            dims=dims,
            hidden_dim=config.decoder.hidden_dim,
            num_layers=config.decoder.num_layers,
            num_heads=config.decoder.num_heads,
            feed_forward_dim=config.decoder.feed_forward_dim,
            bits=bits,
        )
    return ConmhObjective(
        model=model,
        decoder=decoder,
        mask_ratio=config.mask.ratio,
        weight=config.contrastive.weight,
        temperature=config.contrastive.temperature,
        tau_plus=config.contrastive.tau_plus,
        losses=losses,
        run=run,
    )


def extra_losses(
    config: ConmhConfig, frames: TrainingFrames, *, bits: int, seed: int
) -> ExtraLosses:
    """Return the losses of BTH and S5VH whose weight is not 0."""
    losses: dict[str, tuple[nn.Module, float]] = {}
    if config.similarity.weight:
        anchors = _anchors(frames, config.similarity.num_anchors, "similarity anchors", seed=seed)
        losses["similarity"] = BthSimilarityLoss(anchors=anchors), config.similarity.weight
    if config.centres.weight:
        anchors = _anchors(frames, config.centres.num_anchors, "centre anchors", seed=seed)
        centres = S5vhCentreLoss(
            anchors=anchors,
            codes=centre_codes(anchors, bits, seed=derive_seed(seed, "centre codes", 0)),
            temperature=config.centres.temperature,
            warmup_epochs=config.centres.warmup_epochs,
            trust_decay=config.centres.trust_decay,
            epochs=config.optim.epochs,
        )
        losses["centres"] = centres, config.centres.weight
    return losses


def _anchors(frames: TrainingFrames, most: int, purpose: str, *, seed: int) -> Tensor:
    means = torch.from_numpy(frames.means())
    count = min(most, max(1, len(means) // _VIDEOS_AN_ANCHOR))
    return find_anchors(means, count, seed=derive_seed(seed, purpose, 0))


def build_model(config: ConmhConfig, *, dims: int, bits: int) -> ConmhModel:
    """Build encoder and hash layer, which encode at test time."""
    return ConmhModel(
        dims=dims,
        hidden_dim=config.encoder.hidden_dim,
        num_layers=config.encoder.num_layers,
        num_heads=config.encoder.num_heads,
        feed_forward_dim=config.encoder.feed_forward_dim,
        bits=bits,
    )


def build_trainer(
    config: ConmhConfig,
    objective: ConmhObjective,
    clips: TrainingClips,
    *,
    seed: int,
    validation: Clips | None = None,
) -> Trainer:
    """Return the trainer: Adam (AdamW without weight decay) with step decay."""
    optim = config.optim

    def schedule(step: int, steps: int) -> float:
        epoch = step * optim.epochs // steps
        least = min(1.0, optim.min_lr / optim.lr)
        return step_decay(epoch, step_size=optim.step_size, gamma=optim.gamma, floor=least)

    plan = None
    if validation is not None:
        every = validation_interval(config.validation.every, optim.epochs)
        plan = ValidationPlan(
            clips=validation, every=every, stop_on_failure=config.validation.stop_on_failure
        )
    return Trainer(
        objective,
        clips,
        seed=seed,
        epochs=optim.epochs,
        batch_size=optim.batch_size,
        lr=optim.lr,
        schedule=schedule,
        weight_decay=0.0,
        grad_clip_norm=0.0,
        neighbours=None,
        validation=plan,
    )
