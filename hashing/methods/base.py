"""A learned method as one entry: what configures, trains, loads and describes it. No torch here.

A further one is a module with a :class:`LearnedMethod` in it, and a line in
``hashing.methods.registry``. What needs torch is imported by the functions themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ..config import AnyConfig
from ..config.overrides import Scalar
from ..config.presets import Survey
from ..data.requirements import Material
from ..model_folder.folder import Tensors
from ..models.hasher import Hasher

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ..data.training_set import TrainingFrames
    from ..monitoring.history import HistoryRow
    from ..training.checkpoint import State
    from ..training.trainer import Trainer

Kind = TypeVar("Kind", bound=AnyConfig)
Asked = TypeVar("Asked", bound=AnyConfig, contravariant=True)


@dataclass(frozen=True, slots=True)
class PreparedTraining:
    """A network and all that its training needs.

    Attributes:
        model: What is saved in the end; a part of the trainer's objective.
        trainer: Trains it.
        init_history: History of what was done before the first epoch.
    """

    model: nn.Module
    trainer: Trainer
    init_history: list[HistoryRow]


class Build(Protocol[Asked]):
    """Puts a network and its trainer together."""

    def __call__(
        self,
        config: Asked,
        frames: TrainingFrames,
        *,
        bits: int,
        seed: int,
        device: torch.device,
        state: State | None,
        validation: TrainingFrames | None = None,
        compiled: bool = False,
    ) -> PreparedTraining:
        """Build what is trained.

        Args:
            config: Without ``auto``.
            frames: The training videos.
            bits: K.
            seed: Of everything that is drawn.
            device: Where it is trained.
            state: Of an interrupted run, for what need not be found again; the trainer restores
                the weights itself.
            validation: Videos that are not trained on and watch the training.
            compiled: Whether `torch.compile` makes its steps faster.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedMethod(Generic[Kind]):
    """One learned method.

    Attributes:
        about: What it is, the first sentence of the model card, without a full stop.
        config: Its defaults; may hold ``auto``.
        resolve: Replaces every ``auto`` by what the training videos ask for.
        build: Makes network and trainer.
        load: Rebuilds a trained model.
        notes: What the model card says about trust, from a resolved config.
        material: Says which cached material beside the frames is used; ``""`` for none.
        paper: The ``--paper`` preset, if there is one.
        legacy_defaults: What keys meant before they were there, for models whose config does not
            name them.
    """

    about: str
    config: Kind
    resolve: Callable[[Kind, Survey], Kind]
    build: Build[Kind]
    load: Callable[[Kind, Tensors], Hasher]
    notes: Callable[[Kind], Sequence[str]]
    material: Callable[[Kind, Material], str] = lambda config, frames: ""
    paper: Kind | None = None
    legacy_defaults: Mapping[str, Scalar] = field(default_factory=dict)
