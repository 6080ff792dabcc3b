"""CHAIN as a learned method: fixed front, transformer, hash layer, three tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashing.config import Config
from hashing.front import Front, fit_front
from hashing.hasher import Hasher
from hashing.learned import Learned
from hashing.modelfolder import Tensors
from hashing.needs import Material, cached_material, check_frames
from hashing.presets import number, paper_config, resolve

if TYPE_CHECKING:
    import torch

    from hashing.builder.start import Frames
    from hashing.checkpoint import State
    from hashing.curves import HistoryRow
    from hashing.dataset import TrainingFrames
    from hashing.fit import Ready
    from hashing.storedclips import StoredClips
    from hashing.views import Clips

NO_TASKS = (
    "The three tasks had no part in it: on so few videos, or on videos so still, they cost more "
    "than they bring. The codes are CHAIN's start, PCA-ITQ distilled to rank as the features do."
)
_OURS = (
    "CHAIN's authors published neither code nor hyper-parameters: every number the paper does not "
    "state is ours, and no number of the paper is claimed."
)


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
    """Put CHAIN's network and trainer together; see :class:`hashing.learned.Build`."""
    from hashing import builder
    from hashing.fit import Ready

    check_frames(config, frames.frames)
    front = _front(config, frames, state)
    projected, clips = _clips(config, frames, front, seed=seed)
    started: list[HistoryRow] = []
    model = builder.build_model(config, front, bits=bits, seed=seed)
    if config.hash.init == "pca-itq" and state is None:
        started = builder.start_hash_layer(config, model, projected, bits=bits, seed=seed)
    model.to(device)
    watching = None
    if held is not None:
        watching = _in_memory(config, held, front, seed=seed)[1]
    trainer = builder.build_trainer(
        config, model, clips, seed=seed, held=watching, compiled=compiled
    )
    return Ready(model, trainer, started)


def _clips(
    config: Config, frames: TrainingFrames, front: Front, *, seed: int
) -> tuple[Frames, Clips | StoredClips]:
    """Take all frames through the front, (N, T, M), to memory or to a file: as they fit."""
    from hashing import builder

    numbers = frames.frames * front.matrix.shape[1]
    if frames.fit_in_memory(numbers * (1 + builder.cached_numbers(config, frames))):
        return _in_memory(config, frames, front, seed=seed)
    stored = frames.to_disk((front(part) for part in frames.videos()), name="frames")
    more = builder.make_stored_clips(config, front, stored, seed=seed)
    return stored, builder.add_cached(config, more, frames, front)


def _in_memory(
    config: Config, frames: TrainingFrames, front: Front, *, seed: int
) -> tuple[Frames, Clips]:
    from hashing import builder

    held = frames.project(front)
    clips = builder.make_clips(config, front, held, seed=seed)
    return held, builder.add_cached(config, clips, frames, front)


def _front(config: Config, frames: TrainingFrames, state: State | None) -> Front:
    """Measure the front, or take it from an interrupted run."""
    if state is not None:
        from hashing.builder import front_of

        kept = {k.removeprefix("model."): t for k, t in state["objective"].items() if "front_" in k}
        return front_of(config, {name: tensor.numpy() for name, tensor in kept.items()})
    return fit_front(
        frames.frames_flat(),
        dims=config.input.dims,
        whitening=number(config.input.whitening),
        unit_frames=config.input.unit_frames,
    )


def load(config: Config, tensors: Tensors) -> Hasher:
    """Rebuild a trained network."""
    from hashing.builder import load_model

    return load_model(config, tensors).folded()


def notes(config: Config) -> list[str]:
    """Return what a user should know before trusting the codes."""
    return [_OURS] if config.optim.epochs else [_OURS, NO_TASKS]


def material(config: Config, frames: Material) -> str:
    """Say which cached material beside the frames the views are drawn from."""
    return cached_material(config, frames).describe(frames)


CHAIN = Learned(
    about="CHAIN: contrastive learning with frame order and scene tasks",
    config=Config(),
    resolve=resolve,
    build=build,
    load=load,
    notes=notes,
    material=material,
    paper=paper_config(),
    older={"encoder.slots": 0, "encoder.activation": "gelu", "encoder.bias": True},
)
