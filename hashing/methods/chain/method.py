"""CHAIN as a learned method: fixed front, transformer, hash layer, three tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...config import Config
from ...config.presets import paper_config, resolve
from ...data.requirements import Material, cached_material
from ...model_folder.folder import Tensors
from ...models.hasher import Hasher
from ..base import LearnedMethod

if TYPE_CHECKING:
    import torch

    from ...data.training_set import TrainingFrames
    from ...training.checkpoint import State
    from ..base import PreparedTraining

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
    validation: TrainingFrames | None = None,
    compiled: bool = False,
) -> PreparedTraining:
    """Put CHAIN's network and trainer together; see :class:`..base.Build`."""
    from .build import build as run

    return run(
        config,
        frames,
        bits=bits,
        seed=seed,
        device=device,
        state=state,
        validation=validation,
        compiled=compiled,
    )


def load(config: Config, tensors: Tensors) -> Hasher:
    """Rebuild a trained network."""
    from .build_model import load_model

    return load_model(config, tensors).fused()


def notes(config: Config) -> list[str]:
    """Return what a user should know before trusting the codes."""
    return [_OURS] if config.optim.epochs else [_OURS, NO_TASKS]


def material(config: Config, frames: Material) -> str:
    """Say which cached material beside the frames the views are drawn from."""
    return cached_material(config, frames).describe(frames)


CHAIN = LearnedMethod(
    about="CHAIN: contrastive learning with frame order and scene tasks",
    config=Config(),
    resolve=resolve,
    build=build,
    load=load,
    notes=notes,
    material=material,
    paper=paper_config(),
    legacy_defaults={
        "encoder.position_slots": 0,
        "encoder.activation": "gelu",
        "encoder.bias": True,
    },
)
