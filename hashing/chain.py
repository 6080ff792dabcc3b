"""The builder: a resolved config becomes numbers, numbers a network and its trainer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashing.augment import view_length
from hashing.baselines.linear import LinearHash
from hashing.baselines.pca_itq import fit_pca_itq
from hashing.chance import generator_of, seed_of
from hashing.config import Config
from hashing.curves import HistoryRow
from hashing.distil import distil
from hashing.encoders import TransformerEncoder
from hashing.front import Front, unit_length
from hashing.model import HashLayer, HashModel
from hashing.objective import Objective
from hashing.presets import number
from hashing.statistics import moments
from hashing.tasks.base import Task
from hashing.tasks.contrastive import ContrastiveTask
from hashing.tasks.order import OrderTask
from hashing.tasks.scene import SceneTask, find_scenes
from hashing.tasks.structure import StructureTask
from hashing.trainer import NeighbourPlan, Trainer
from hashing.views import Clips, ViewMaker
from pipeline.errors import UsageError


def build_model(config: Config, front: Front, *, bits: int, seed: int) -> HashModel:
    """Build the network with seeded first weights; torch's own generator is left as it was."""
    dims = front.matrix.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "weights", 0))
        encoder = TransformerEncoder(
            dims=dims,
            width=config.encoder.width,
            layers=config.encoder.layers,
            heads=config.encoder.heads,
            feed_forward=config.encoder.feed_forward,
            dropout=config.encoder.dropout,
        )
        hash_layer = HashLayer(
            dims=dims,
            width=config.encoder.width,
            bits=bits,
            binarize=config.hash.binarize,
            skip=config.hash.init == "pca-itq",
            unit_mean=config.hash.unit_mean,
        )
    return HashModel(front=front, encoder=encoder, hash_layer=hash_layer)


def load_model(config: Config, tensors: Mapping[str, npt.NDArray[Any]]) -> HashModel:
    """Rebuild a trained network from its saved tensors."""
    front = front_of(config, tensors)
    model = build_model(config, front, bits=len(tensors["hash_layer.learned.weight"]), seed=0)
    model.load_state_dict({name: torch.from_numpy(t.copy()) for name, t in tensors.items()})
    return model.eval()


def front_of(config: Config, tensors: Mapping[str, npt.NDArray[Any]]) -> Front:
    """Return the front that a network's tensors hold."""
    mean, matrix, spread = (tensors[f"front_{part}"] for part in ("mean", "matrix", "spread"))
    return Front(mean, matrix, spread, unit_frames=config.input.unit_frames)


def tensors_of(model: HashModel) -> dict[str, npt.NDArray[Any]]:
    """Return all weights and buffers as arrays."""
    return {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}


def first_codes(
    frames: npt.NDArray[np.float32], *, bits: int, seed: int, unit_mean: bool
) -> LinearHash:
    """Fit PCA-ITQ on mean inputs, for projected training frames (N, T, M)."""
    means = frames.mean(axis=1)
    flat = frames.reshape(-1, frames.shape[2])
    return fit_pca_itq(
        unit_length(means) if unit_mean else means,
        bits,
        seed=seed,
        frame_covariance=lambda: moments([flat]).covariance,
    )


def start_hash_layer(
    config: Config,
    model: HashModel,
    frames: npt.NDArray[np.float32],
    *,
    bits: int,
    seed: int,
) -> list[HistoryRow]:
    """Set the hash layer to PCA-ITQ of projected training frames (N, T, M), then distil it.

    Returns:
        The loss of each distilling step.
    """
    unit = config.hash.unit_mean
    model.hash_layer.start_as(first_codes(frames, bits=bits, seed=seed, unit_mean=unit))
    if model.hash_layer.skip is None or not config.hash.distil_steps:
        return []
    means = frames.mean(axis=1)
    inputs = torch.from_numpy(unit_length(means) if unit else means)
    losses = distil(
        model.hash_layer.skip,
        inputs,
        torch.from_numpy(means - means.mean(axis=0)),
        steps=config.hash.distil_steps,
        rate=config.hash.distil_rate,
        target=config.structure.target,
        temperature=config.structure.temperature,
        generator=generator_of(seed, "distil", 0),
    )
    return [{"step": float(step), "distil": loss} for step, loss in enumerate(losses, 1)]


def make_clips(
    config: Config, front: Front, frames: npt.NDArray[np.float32], *, seed: int
) -> Clips:
    """Return the training clips, with scenes when the scene task is on."""
    clips = torch.from_numpy(frames)  # (N, T, M)
    scenes = None
    if number(config.scene.weight) > 0:
        scenes = find_scenes(
            clips,
            clusters=config.scene.clusters,
            min_spread=config.scene.min_spread,
            generator=generator_of(seed, "scenes", 0),
        )
    return Clips(clips, clips.mean(dim=1), torch.from_numpy(front.spread), scenes)


def build_trainer(config: Config, model: HashModel, clips: Clips, *, seed: int) -> Trainer:
    """Build the objective over ``model`` and the trainer that makes it small."""
    device = model.front_mean.device
    tasks, weights = _tasks(config, model, places=clips.frames.shape[1], seed=seed)
    objective = Objective(
        model=model, views=view_maker(config, clips.frames.shape[1]), tasks=tasks, weights=weights
    )
    return Trainer(
        objective.to(device),
        _moved(clips, device),
        seed=seed,
        epochs=int(number(config.optim.epochs)),
        batch=config.optim.batch,
        rate=config.optim.rate,
        weight_decay=config.optim.weight_decay,
        warmup=config.optim.warmup,
        clip=config.optim.clip,
        neighbours=_neighbours(config),
    )


def view_maker(config: Config, frames: int) -> ViewMaker:
    """Return what draws the views of clips of T frames."""
    length = view_length(config.views.mode, frames, config.views.frames)
    return ViewMaker(
        mode=config.views.mode,
        length=length,
        window=max(length, view_length(config.views.mode, frames, config.views.window)),
        noise=config.views.noise,
        drop_features=config.views.drop_features,
        drop_frames=config.views.drop_frames,
    )


def _tasks(
    config: Config, model: HashModel, *, places: int, seed: int
) -> tuple[dict[str, Task], dict[str, float]]:
    """Return the tasks whose weight is not 0, and the weights."""
    contrastive = ContrastiveTask(
        temperature=config.contrastive.temperature,
        debias=config.contrastive.debias,
        mask_neighbours=config.contrastive.mask_neighbours,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "order head", 0))
        order = OrderTask(
            width=model.encoder.width,
            places=places,
            frames=config.order.frames,
            smoothing=config.order.smoothing,
        )
    structure = StructureTask(
        form=config.structure.form,
        target=config.structure.target,
        temperature=config.structure.temperature,
    )
    every: dict[str, tuple[Task, float]] = {
        "contrastive": (contrastive, number(config.contrastive.weight)),
        "order": (order, number(config.order.weight)),
        "scene": (SceneTask(temperature=config.scene.temperature), number(config.scene.weight)),
        "structure": (structure, number(config.structure.weight)),
    }
    used = {name: pair for name, pair in every.items() if pair[1]}
    if not used and config.optim.epochs:
        raise UsageError("every task has weight 0", hint="set `contrastive.weight` to 1")
    return {n: task for n, (task, _) in used.items()}, {n: w for n, (_, w) in used.items()}


def _neighbours(config: Config) -> NeighbourPlan | None:
    settings = config.neighbours
    count = int(number(settings.count))
    if not count or not settings.probability:
        return None
    return NeighbourPlan(
        count=count,
        probability=settings.probability,
        mutual=settings.mutual,
        threshold=settings.threshold,
        refresh=int(number(settings.refresh)),
    )


def _moved(clips: Clips, device: torch.device) -> Clips:
    def move(tensor: Tensor) -> Tensor:
        return tensor.to(device)

    scenes = None if clips.scenes is None else move(clips.scenes)
    return Clips(move(clips.frames), move(clips.means), move(clips.spread), scenes)
