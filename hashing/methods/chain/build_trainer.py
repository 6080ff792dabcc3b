"""From a resolved config and a network to its training: clips, tasks, trainer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chainpipe.pipeline.errors import UsageError

from ...config import Config
from ...config.optimization import NeighboursConfig
from ...config.presets import number
from ...data.device_placement import moved, on_device
from ...data.disk_array import DiskRows, Splittable, write_rows
from ...data.requirements import order_draw
from ...data.streamed_clips import StoredClips
from ...losses.base import Task
from ...losses.contrastive import ContrastiveTask
from ...losses.frame_order import OrderTask
from ...losses.scene import ScenePlan, SceneTask, find_scenes
from ...losses.similarity_preserving import StructureTask
from ...losses.swav import ClusterTask
from ...mining.refresh import NeighbourPlan
from ...mining.scene_walk import walked
from ...models.hash_model import HashModel
from ...models.pca_whitening import Front
from ...runtime.schedules import one_cycle
from ...runtime.seeding import generator_of, seed_of
from ...training.forward import Runner
from ...training.objective import Objective
from ...training.trainer import Trainer
from ...training.validation import WatchPlan, looks_every
from ...views.augmentations import view_length, window_length
from ...views.view_maker import Clips, TrainingClips, ViewMaker

_CHUNK = 512  # videos read at once


def make_clips(
    config: Config, front: Front, frames: npt.NDArray[np.float32], *, seed: int
) -> Clips:
    """Return the training clips, with scenes when the scene task or the views need them."""
    clips = torch.from_numpy(frames)  # (N, T, M)
    scenes = _first_scenes(config, clips, clips.shape[1], seed=seed)
    return Clips(clips, clips.mean(dim=1), torch.from_numpy(front.spread), scenes)


def make_stored_clips(config: Config, front: Front, frames: DiskRows, *, seed: int) -> StoredClips:
    """Return what :func:`make_clips` does, for frames (N, T, M) in a file."""
    means = write_rows(
        (part.mean(dim=1).numpy() for part in frames.split(_CHUNK)), len(frames), folder=None
    )
    scenes = _first_scenes(config, frames, frames.shape[1], seed=seed)
    return StoredClips(frames, means, torch.from_numpy(front.spread), scenes)


def _first_scenes(
    config: Config, clips: Splittable, frames: int, *, seed: int
) -> torch.Tensor | None:
    if number(config.scene.weight) <= 0 and not config.views.mix:
        return None
    return find_scenes(
        clips,
        clusters=_clusters(config, frames),
        min_spread=config.scene.min_spread,
        generator=generator_of(seed, "scenes", 0),
    )


def _clusters(config: Config, frames: int) -> int:
    clusters = config.scene.clusters
    return min(4, frames) if clusters == "auto" else clusters


def build_trainer(
    config: Config,
    model: HashModel,
    clips: Clips | StoredClips,
    *,
    seed: int,
    held: Clips | None = None,
    compiled: bool = False,
) -> Trainer:
    """Build the objective over ``model`` and the trainer that makes it small.

    Args:
        config: Without ``auto``.
        model: What is trained.
        clips: The training videos.
        seed: Of everything that is drawn.
        held: Videos that watch the training.
        compiled: Whether `torch.compile` makes its steps faster.
    """
    device = model.front_mean.device
    frames = clips.frames.shape[1]
    tasks, weights = _tasks(config, model, places=frames, seed=seed)
    objective = Objective(
        model=model,
        views=view_maker(config, frames, candidates=clips.candidates is not None),
        tasks=tasks,
        weights=weights,
        ramps={name: getattr(config, name).ramp for name in tasks},
        run=Runner(precision=config.optim.precision, compiled=compiled),
    )
    return Trainer(
        objective.to(device),
        on_device(clips, device),
        seed=seed,
        epochs=int(number(config.optim.epochs)),
        batch=config.optim.batch,
        rate=config.optim.rate,
        schedule=lambda step, steps: one_cycle(step / steps, warmup=config.optim.warmup),
        weight_decay=config.optim.weight_decay,
        clip=config.optim.clip,
        neighbours=_neighbours(config, seed=seed),
        scenes=_scenes(config, model, frames),
        watch=None if held is None else _watch(config, moved(held, device)),
    )


def view_maker(config: Config, frames: int, *, candidates: bool = False) -> ViewMaker:
    """Return what draws the views of clips of T frames, or of their candidates."""
    mode = config.views.mode
    length = view_length(
        mode,
        frames,
        config.views.frames,
        candidates=candidates,
        recurrent=config.encoder.kind == "lstm",
    )
    return ViewMaker(
        mode=mode,
        length=length,
        window=window_length(frames, config.views.window, length=length),
        noise=config.views.noise,
        drop_features=config.views.drop_features,
        drop_frames=config.views.drop_frames,
        resample=config.views.resample,
        mix=config.views.mix,
        shift=config.views.shift,
        per_frame=config.views.spatial_per_frame,
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
    drawn, moved = order_draw(config, places)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "order head", 0))
        order = OrderTask(
            width=model.encoder.width,
            places=places,
            frames=drawn,
            moved=moved,
            smoothing=config.order.smoothing,
        )
    structure = StructureTask(
        of=config.structure.of,
        form=config.structure.form,
        target=config.structure.target,
        temperature=config.structure.temperature,
    )
    every: dict[str, tuple[Task, float]] = {
        "contrastive": (contrastive, number(config.contrastive.weight)),
        "order": (order, number(config.order.weight)),
        "scene": (SceneTask(temperature=config.scene.temperature), number(config.scene.weight)),
        "structure": (structure, number(config.structure.weight)),
        "cluster": (_cluster(config, model.bits, seed=seed), config.cluster.weight),
    }
    used = {name: pair for name, pair in every.items() if pair[1]}
    if not used and config.optim.epochs:
        raise UsageError("every task has weight 0", hint="set `contrastive.weight` to 1")
    return {n: task for n, (task, _) in used.items()}, {n: w for n, (_, w) in used.items()}


def _cluster(config: Config, bits: int, *, seed: int) -> ClusterTask:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "prototypes", 0))
        return ClusterTask(
            bits=bits,
            prototypes=config.cluster.prototypes,
            temperature=config.cluster.temperature,
            sharpness=config.cluster.sharpness,
            rounds=config.cluster.rounds,
        )


def _neighbours(config: Config, *, seed: int) -> NeighbourPlan | None:
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
        first=_walk(settings, count, seed=seed) if settings.by == "scenes" else None,
    )


def _walk(
    settings: NeighboursConfig, count: int, *, seed: int
) -> Callable[[TrainingClips], Tensor]:
    """Return what finds neighbours by scenes."""

    def search(clips: TrainingClips) -> Tensor:
        # Chance comes from the CPU, and so do the scenes: the same neighbours on every device.
        frames = clips.frames.cpu() if isinstance(clips.frames, Tensor) else clips.frames
        table = walked(
            frames,
            count,
            clusters=min(settings.scenes, frames.shape[1]),
            links=settings.links,
            onward=settings.onward,
            generator=generator_of(seed, "scene walk", 0),
            mutual=settings.mutual,
        )
        return table.to(clips.device)

    return search


def _scenes(config: Config, model: HashModel, frames: int) -> ScenePlan | None:
    if not config.scene.refresh:
        return None
    return ScenePlan(
        clusters=_clusters(config, frames), refresh=config.scene.refresh, encode=model.encoder
    )


def _watch(config: Config, held: Clips) -> WatchPlan:
    every = looks_every(config.watch.every, int(number(config.optim.epochs)))
    return WatchPlan(clips=held, every=every, stop=config.watch.stop)
