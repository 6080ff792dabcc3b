"""From ConMH's config to its network and trainer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...data.device_placement import moved, on_device
from ...data.streamed_clips import StoredClips
from ...data.training_set import TrainingFrames
from ...runtime.schedules import stairs
from ...runtime.seeding import seed_of
from ...training.forward import Runner
from ...training.trainer import Trainer
from ...training.validation import WatchPlan, looks_every
from ...views.view_maker import Clips
from ..base import Ready
from .anchors import find_anchors
from .centres import CentreTask, centre_codes
from .config import ConmhConfig
from .decoder import ConmhDecoder
from .network import ConmhModel
from .objective import ConmhObjective
from .similarity import SimilarityTask
from .terms import Terms

_VIDEOS_AN_ANCHOR = 20  # at least [I]; FCVID has 23 for each of BTH's anchors


def build(
    config: ConmhConfig,
    frames: TrainingFrames,
    *,
    bits: int,
    seed: int,
    device: torch.device,
    held: TrainingFrames | None = None,
    compiled: bool = False,
) -> Ready:
    """Put network and trainer together, over the features as they are."""
    run = Runner(precision=config.optim.precision, compiled=compiled)
    terms = further_terms(config, frames, bits=bits, seed=seed)
    objective = build_objective(
        config, dims=frames.dim, bits=bits, seed=seed, terms=terms, run=run
    ).to(device)
    watching = None if held is None else moved(_in_memory(held), device)
    clips = on_device(_clips(frames), device)
    trainer = build_trainer(config, objective, clips, seed=seed, held=watching)
    return Ready(objective.model, trainer, [])


def _clips(frames: TrainingFrames) -> Clips | StoredClips:
    """Return all features, (N, T, D), in memory or in a file: as they fit."""
    if frames.fit_in_memory(frames.frames * frames.dim):
        return _in_memory(frames)
    stored = frames.to_disk((as_they_are(part) for part in frames.videos()), name="frames")
    return StoredClips(stored, stored, torch.ones(frames.dim))  # ConMH looks at no means


def _in_memory(frames: TrainingFrames) -> Clips:
    features = torch.from_numpy(frames.project(as_they_are))
    return Clips(features, features.mean(dim=1), torch.ones(frames.dim))


def as_they_are(features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return the features unchanged: ConMH has no front, and no scaling."""
    return features.astype(np.float32)


def build_objective(
    config: ConmhConfig,
    *,
    dims: int,
    bits: int,
    seed: int,
    terms: Terms | None = None,
    run: Runner | None = None,
) -> ConmhObjective:
    """Build the networks with seeded first weights; torch's own generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "weights", 0))
        model = build_model(config, dims=dims, bits=bits)
        decoder = ConmhDecoder(
            dims=dims,
            width=config.decoder.width,
            layers=config.decoder.layers,
            heads=config.decoder.heads,
            feed_forward=config.decoder.feed_forward,
            bits=bits,
        )
    return ConmhObjective(
        model=model,
        decoder=decoder,
        share=config.mask.share,
        weight=config.contrastive.weight,
        temperature=config.contrastive.temperature,
        debias=config.contrastive.debias,
        terms=terms,
        run=run,
    )


def further_terms(config: ConmhConfig, frames: TrainingFrames, *, bits: int, seed: int) -> Terms:
    """Return the terms of BTH and of S5VH whose weight is not 0."""
    terms: dict[str, tuple[nn.Module, float]] = {}
    if config.similarity.weight:
        anchors = _anchors(frames, config.similarity.anchors, "similarity anchors", seed=seed)
        terms["similarity"] = SimilarityTask(anchors=anchors), config.similarity.weight
    if config.centres.weight:
        anchors = _anchors(frames, config.centres.anchors, "centre anchors", seed=seed)
        centres = CentreTask(
            anchors=anchors,
            codes=centre_codes(anchors, bits, seed=seed_of(seed, "centre codes", 0)),
            temperature=config.centres.temperature,
            warmup=config.centres.warmup,
            smoothing=config.centres.smoothing,
            epochs=config.optim.epochs,
        )
        terms["centres"] = centres, config.centres.weight
    return terms


def _anchors(frames: TrainingFrames, most: int, purpose: str, *, seed: int) -> Tensor:
    means = torch.from_numpy(frames.means())
    count = min(most, max(1, len(means) // _VIDEOS_AN_ANCHOR))
    return find_anchors(means, count, seed=seed_of(seed, purpose, 0))


def build_model(config: ConmhConfig, *, dims: int, bits: int) -> ConmhModel:
    """Build what is left at test time."""
    return ConmhModel(
        dims=dims,
        width=config.encoder.width,
        layers=config.encoder.layers,
        heads=config.encoder.heads,
        feed_forward=config.encoder.feed_forward,
        bits=bits,
    )


def build_trainer(
    config: ConmhConfig,
    objective: ConmhObjective,
    clips: Clips | StoredClips,
    *,
    seed: int,
    held: Clips | None = None,
) -> Trainer:
    """Return the trainer with Adam, which is AdamW without decay, and a rate that falls."""
    optim = config.optim

    def schedule(step: int, steps: int) -> float:
        epoch = step * optim.epochs // steps
        least = min(1.0, optim.least / optim.rate)
        return stairs(epoch, every=optim.every, factor=optim.factor, least=least)

    watch = None
    if held is not None:
        every = looks_every(config.watch.every, optim.epochs)
        watch = WatchPlan(clips=held, every=every, stop=config.watch.stop)
    return Trainer(
        objective,
        clips,
        seed=seed,
        epochs=optim.epochs,
        batch=optim.batch,
        rate=optim.rate,
        schedule=schedule,
        weight_decay=0.0,
        clip=0.0,
        neighbours=None,
        watch=watch,
    )


def load_model(config: ConmhConfig, tensors: dict[str, npt.NDArray[Any]]) -> ConmhModel:
    """Rebuild a trained network from its saved tensors."""
    dims, bits = tensors["enter.weight"].shape[1], len(tensors["hash.weight"])
    model = build_model(config, dims=dims, bits=bits)
    model.load_state_dict({name: torch.from_numpy(t.copy()) for name, t in tensors.items()})
    return model.eval()
