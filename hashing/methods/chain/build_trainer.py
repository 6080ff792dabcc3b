"""Build CHAIN's trainer from a resolved config and a network: clips, losses, trainer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chainpipe.pipeline.errors import UsageError

from ...config import Config
from ...config.losses import LOSSES, LossSection, loss_class, loss_sections
from ...config.model import ENCODERS
from ...config.optimization import NeighboursConfig
from ...config.presets import number
from ...data.clips import Clips
from ...data.device_placement import move_clips, place_clips
from ...data.disk_array import DiskArray, Splittable, write_disk_array
from ...data.streamed_clips import StoredClips, TrainingClips
from ...losses.base import Loss, LossContext
from ...losses.scene import SceneUpdater, find_scenes
from ...mining.refresh import NeighbourMiner
from ...mining.scene_walk import scene_walk_neighbours
from ...models.hash_model import HashModel
from ...models.pca_whitening import PcaWhitening
from ...runtime.schedules import one_cycle
from ...runtime.seeding import derive_generator, derive_seed
from ...training.forward import ForwardRunner
from ...training.objective import Objective
from ...training.trainer import Trainer
from ...training.validation import ValidationPlan, validation_interval
from ...views.augmentations import view_length, window_length
from ...views.view_maker import ViewMaker

_CHUNK = 512  # videos per read


def make_clips(
    config: Config, pca: PcaWhitening, frames: npt.NDArray[np.float32], *, seed: int
) -> Clips:
    """Return the training clips of frames (N, T, M), with scenes if a loss or a view needs them."""
    clips = torch.from_numpy(frames)  # (N, T, M)
    scenes = _first_scenes(config, clips, clips.shape[1], seed=seed)
    return Clips(clips, clips.mean(dim=1), torch.from_numpy(pca.std), scenes)


def make_stored_clips(
    config: Config, pca: PcaWhitening, frames: DiskArray, *, seed: int
) -> StoredClips:
    """Return the training clips of frames (N, T, M) in a file; see :func:`make_clips`."""
    means = write_disk_array(
        (part.mean(dim=1).numpy() for part in frames.split(_CHUNK)), len(frames), folder=None
    )
    scenes = _first_scenes(config, frames, frames.shape[1], seed=seed)
    return StoredClips(frames, means, torch.from_numpy(pca.std), scenes)


def _first_scenes(
    config: Config, clips: Splittable, frames: int, *, seed: int
) -> torch.Tensor | None:
    if number(config.scene.weight) <= 0 and not config.views.scene_mixup:
        return None
    return find_scenes(
        clips,
        num_clusters=_clusters(config, frames),
        min_std=config.scene.min_std,
        generator=derive_generator(seed, "scenes", 0),
    )


def _clusters(config: Config, frames: int) -> int:
    clusters = config.scene.num_clusters
    return min(4, frames) if clusters == "auto" else clusters


def build_trainer(
    config: Config,
    model: HashModel,
    clips: TrainingClips,
    *,
    seed: int,
    validation: Clips | None = None,
    compiled: bool = False,
) -> Trainer:
    """Build the objective of ``model`` and its trainer.

    Args:
        config: Config without ``auto``.
        model: The network to train.
        clips: The training videos.
        seed: Seed of all random generators.
        validation: The validation videos.
        compiled: Compile the network by `torch.compile`.
    """
    device = model.pca_mean.device
    frames = clips.frames.shape[1]
    losses, used = _losses(config, model, num_frames=frames, seed=seed)
    objective = Objective(
        model=model,
        views=view_maker(config, frames, candidates=clips.candidates is not None),
        losses=losses,
        weights={name: number(section.weight) for name, section in used.items()},
        warmups={name: section.warmup for name, section in used.items()},
        run=ForwardRunner(precision=config.optim.precision, compiled=compiled),
    )
    return Trainer(
        objective.to(device),
        place_clips(clips, device),
        seed=seed,
        epochs=int(number(config.optim.epochs)),
        batch_size=config.optim.batch_size,
        lr=config.optim.lr,
        schedule=lambda step, steps: one_cycle(step / steps, warmup=config.optim.warmup),
        weight_decay=config.optim.weight_decay,
        grad_clip_norm=config.optim.grad_clip_norm,
        neighbours=_neighbours(config, seed=seed),
        droppable=[
            name for name in ("order", "scene") if getattr(config, name).if_unlearned == "drop"
        ],
        keep_start=config.hash.init == "pca-itq",
        scenes=_scenes(config, model, frames),
        validation=None
        if validation is None
        else _validation(config, move_clips(validation, device)),
    )


def view_maker(config: Config, frames: int, *, candidates: bool = False) -> ViewMaker:
    """Return the view maker for clips of T frames, or for their candidates."""
    mode = config.views.mode
    length = view_length(
        mode,
        frames,
        config.views.num_frames,
        candidates=candidates,
        recurrent=getattr(ENCODERS[config.encoder.kind], "recurrent", False),
    )
    return ViewMaker(
        mode=mode,
        length=length,
        window=window_length(frames, config.views.window, length=length),
        noise=config.views.noise,
        feature_dropout_p=config.views.feature_dropout,
        frame_dropout_p=config.views.frame_dropout,
        temporal_jitter=config.views.temporal_jitter,
        scene_mixup=config.views.scene_mixup,
        shift=config.views.shift,
        per_frame=config.views.spatial_per_frame,
    )


def _losses(
    config: Config, model: HashModel, *, num_frames: int, seed: int
) -> tuple[dict[str, Loss], dict[str, LossSection]]:
    """Return the losses whose weight is not 0, and their sections."""
    used = {name: part for name, part in loss_sections(config).items() if number(part.weight)}
    if not used and config.optim.epochs:
        raise UsageError("every loss has weight 0", hint="set `contrastive.weight` to 1")
    context = LossContext(
        bits=model.hash_layer.learned_bits,
        hidden_dim=model.encoder.hidden_dim,
        dim=model.pca_matrix.shape[1],
        num_frames=num_frames,
    )
    return {name: _loss(name, part, context, seed=seed) for name, part in used.items()}, used


def _loss(name: str, section: LossSection, context: LossContext, *, seed: int) -> Loss:
    """Build a loss with seeded initial weights; torch's global generator is restored."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, LOSSES[name].stream or f"loss {name}", 0))
        loss: Loss = loss_class(name).from_config(section, context)
    return loss


def _neighbours(config: Config, *, seed: int) -> NeighbourMiner | None:
    settings = config.neighbours
    count = int(number(settings.k))
    if not count or not settings.probability:
        return None
    return NeighbourMiner(
        k=count,
        probability=settings.probability,
        mutual=settings.mutual,
        min_cosine=settings.min_cosine,
        update_every=int(number(settings.update_every)),
        first=_walk(settings, count, seed=seed) if settings.source == "scenes" else None,
    )


def _walk(
    settings: NeighboursConfig, count: int, *, seed: int
) -> Callable[[TrainingClips], Tensor]:
    """Return the scene-walk search of nearest neighbours."""

    def search(clips: TrainingClips) -> Tensor:
        # Clustering and its generator run on the CPU: the same neighbours on every device.
        frames = clips.frames.cpu() if isinstance(clips.frames, Tensor) else clips.frames
        table = scene_walk_neighbours(
            frames,
            count,
            num_clusters=min(settings.scenes_per_video, frames.shape[1]),
            edges_per_scene=settings.edges_per_scene,
            damping=settings.damping,
            generator=derive_generator(seed, "scene walk", 0),
            mutual=settings.mutual,
        )
        return table.to(clips.device)

    return search


def _scenes(config: Config, model: HashModel, frames: int) -> SceneUpdater | None:
    if not config.scene.update_every:
        return None
    return SceneUpdater(
        num_clusters=_clusters(config, frames),
        update_every=config.scene.update_every,
        encode=model.encoder,
    )


def _validation(config: Config, validation: Clips) -> ValidationPlan:
    every = validation_interval(config.validation.every, int(number(config.optim.epochs)))
    return ValidationPlan(
        clips=validation, every=every, stop_on_failure=config.validation.stop_on_failure
    )
