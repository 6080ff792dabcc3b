"""Build CroVCA-like's network and trainer from its config."""

from __future__ import annotations

import torch

from ...data.clips import Clips
from ...data.device_placement import move_clips, place_clips
from ...data.streamed_clips import StoredClips, TrainingClips
from ...data.training_set import TrainingFrames
from ...models.pca_whitening import PcaWhitening, fit_pca_whitening
from ...runtime.schedules import one_cycle
from ...runtime.seeding import derive_seed
from ...training.trainer import Trainer
from ...training.validation import ValidationPlan, validation_interval
from ...views.augmentations import view_length, window_length
from ...views.view_maker import ViewMaker
from ..base import PreparedTraining
from .config import CrovcaConfig
from .network import CrovcaModel
from .objective import CrovcaObjective


def build(
    config: CrovcaConfig,
    frames: TrainingFrames,
    *,
    bits: int,
    seed: int,
    device: torch.device,
    validation: TrainingFrames | None = None,
) -> PreparedTraining:
    """Build network and trainer on the principal components of the frames."""
    pca = fit_pca_whitening(
        frames.frames_for_covariance(), dims=config.input.dims, whitening=0.0, l2_normalize=False
    )
    objective = build_objective(config, pca, frames=frames.frames, bits=bits, seed=seed).to(device)
    plan = None
    if validation is not None:
        plan = ValidationPlan(
            clips=move_clips(_in_memory(validation, pca), device),
            every=validation_interval(config.validation.every, config.optim.epochs),
            stop_on_failure=config.validation.stop_on_failure,
        )
    clips = place_clips(_clips(frames, pca), device)
    optim = config.optim
    trainer = Trainer(
        objective,
        clips,
        seed=seed,
        epochs=optim.epochs,
        batch_size=optim.batch_size,
        lr=optim.lr,
        schedule=lambda step, steps: one_cycle(step / steps, warmup=optim.warmup),
        weight_decay=optim.weight_decay,
        grad_clip_norm=0.0,
        neighbours=None,
        validation=plan,
    )
    return PreparedTraining(objective.model, trainer, [])


def build_objective(
    config: CrovcaConfig, pca: PcaWhitening, *, frames: int, bits: int, seed: int
) -> CrovcaObjective:
    """Build the head with seeded initial weights; torch's global generator is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights", 0))
        model = CrovcaModel(
            mean=torch.from_numpy(pca.mean.copy()),
            matrix=torch.from_numpy(pca.matrix.copy()),
            hidden_dim=config.head.hidden_dim,
            bits=bits,
        )
    length = view_length("halves", frames, "auto")
    view_maker = ViewMaker(
        mode="halves",
        length=length,
        window=window_length(frames, "auto", length=length),
        noise=config.views.noise,
        feature_dropout_p=config.views.feature_dropout,
        frame_dropout_p=0.0,
    )
    return CrovcaObjective(
        model=model,
        view_maker=view_maker,
        temperature=config.loss.temperature,
        rate=config.loss.rate,
        epsilon=config.loss.epsilon,
    )


def _clips(frames: TrainingFrames, pca: PcaWhitening) -> TrainingClips:
    """Return all projected frames, (N, T, M), in memory if they fit, else in a file."""
    if frames.fit_in_memory(frames.frames * pca.matrix.shape[1]):
        return _in_memory(frames, pca)
    stored = frames.to_disk((pca(part) for part in frames.videos()), name="frames")
    return StoredClips(stored, stored, torch.from_numpy(pca.std.copy()))  # means are not used


def _in_memory(frames: TrainingFrames, pca: PcaWhitening) -> Clips:
    projected = torch.from_numpy(frames.project(pca))
    return Clips(projected, projected.mean(dim=1), torch.from_numpy(pca.std.copy()))
