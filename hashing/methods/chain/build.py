"""Build CHAIN's network and trainer from a resolved config and training videos."""

from __future__ import annotations

from dataclasses import replace

import torch

from chainpipe.pipeline.backbones.lite0_classifier import ClassifierFacts
from chainpipe.pipeline.errors import UsageError

from ...config import Config
from ...config.presets import LEAST_TRAINED, number
from ...data.clips import Clips
from ...data.requirements import check_frames
from ...data.streamed_clips import TrainingClips
from ...data.training_set import TrainingFrames
from ...models.hash_model import HashModel
from ...models.pca_whitening import PcaWhitening, fit_pca_whitening
from ...monitoring.history import HistoryRow
from ...training.checkpoint import State
from ..base import PreparedTraining
from .build_model import build_model, pca_whitening_of
from .build_trainer import build_trainer, make_clips, make_stored_clips
from .cached import add_cached, cached_elements
from .general_init import general_pca, known_classifier
from .init_hash_layer import Frames, init_hash_layer


def build(
    config: Config,
    frames: TrainingFrames,
    *,
    bits: int,
    seed: int,
    device: torch.device,
    state: State | None,
    validation: TrainingFrames | None = None,
    compiled: bool = False,
) -> PreparedTraining:
    """Build CHAIN's network and trainer; arguments as in :meth:`..learned.LearnedMethod.build`."""
    check_frames(config, frames.frames)
    known = None
    if config.hash.init == "pca-itq" and len(frames) < LEAST_TRAINED and not config.optim.epochs:
        known = known_classifier(frames)
    pca = _pca_whitening(config, frames, state)
    if known is not None:
        pca = general_pca(known, frames.means(), dims=config.input.dims)
    projected, clips = _clips(config, frames, pca, seed=seed)
    init_history: list[HistoryRow] = []
    model = build_model(config, pca, bits=bits, seed=seed)
    if config.hash.init == "pca-itq" and state is None:
        means = None if known is None else known.directions @ pca.matrix
        pool = _pool(config, model, frames)
        init_history = init_hash_layer(
            config,
            model,
            projected,
            seed=seed,
            means=means,
            pool=None if pool is None else pool.directions @ pca.matrix,
        )
    model.to(device)
    validation_clips = None
    if validation is not None:
        validation_clips = _in_memory(config, validation, pca, seed=seed)[1]
        if validation.region is not None:
            region = torch.from_numpy(validation.region)
            validation_clips = replace(validation_clips, region=region)
    trainer = build_trainer(
        config, model, clips, seed=seed, validation=validation_clips, compiled=compiled
    )
    return PreparedTraining(model, trainer, init_history)


def _pool(config: Config, model: HashModel, frames: TrainingFrames) -> ClassifierFacts | None:
    """Return the classifier that general bits are made of, ``None`` if there are none."""
    if config.hash.general_from != "classifier" or model.hash_layer.general is None:
        return None
    found = known_classifier(frames)
    if found is None:
        raise UsageError(
            f"the classifier of `{frames.meta.fingerprint.backbone}` is not known",
            hint="set `hash.general_from` to `videos`",
        )
    return found


def _clips(
    config: Config, frames: TrainingFrames, pca: PcaWhitening, *, seed: int
) -> tuple[Frames, TrainingClips]:
    """Project all frames, (N, T, M), into memory if they fit, else into a file."""
    elements = frames.frames * pca.matrix.shape[1]
    if frames.fit_in_memory(elements * (1 + cached_elements(config, frames))):
        return _in_memory(config, frames, pca, seed=seed)
    stored = frames.to_disk((pca(part) for part in frames.videos()), name="frames")
    more = make_stored_clips(config, pca, stored, seed=seed)
    return stored, add_cached(config, more, frames, pca)


def _in_memory(
    config: Config, frames: TrainingFrames, pca: PcaWhitening, *, seed: int
) -> tuple[Frames, Clips]:
    projected = frames.project(pca)
    clips = make_clips(config, pca, projected, seed=seed)
    return projected, add_cached(config, clips, frames, pca)


def _pca_whitening(config: Config, frames: TrainingFrames, state: State | None) -> PcaWhitening:
    """Fit the PCA whitening, or restore it from an interrupted run's checkpoint."""
    if state is not None:
        tensors = {
            k.removeprefix("model."): t for k, t in state["objective"].items() if "pca_" in k
        }
        return pca_whitening_of(config, {name: tensor.numpy() for name, tensor in tensors.items()})
    within = number(config.input.within_whitening)
    return fit_pca_whitening(
        frames.videos_for_covariance() if within else frames.frames_for_covariance(),
        dims=config.input.dims,
        whitening=config.input.whitening,
        l2_normalize=config.input.l2_normalize,
        within=within,
        shrinkage=config.input.within_shrinkage,
    )
