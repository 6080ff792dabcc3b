"""What a method is: what configures, fits, loads and describes it. No torch here.

What needs torch is imported by the functions that need it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from ..config import AnyConfig
from ..config.overrides import Scalar
from ..config.presets import Survey
from ..data.requirements import Material
from ..data.training_set import TrainingFrames
from ..model_folder.folder import Tensors
from ..models.hasher import Hasher
from ..monitoring.history import HistoryRow
from ..training.callbacks import Callbacks

if TYPE_CHECKING:
    from torch import nn

    from ..training.checkpoint import Checkpoint
    from ..training.trainer import Trainer

Kind = TypeVar("Kind", bound=AnyConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRequest:
    """How a method is to be fitted.

    Attributes:
        bits: K.
        seed: Of everything that is drawn.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: Of torch; another number may change the last digits.
        checkpoint: Where to continue from and to save to; ``None`` keeps nothing.
        validation: Videos that are not trained on and validate the training, or ``None``.
        compiled: Whether `torch.compile` makes the steps faster.
        callbacks: What to call as it goes.
    """

    bits: int
    seed: int
    device: str = "auto"
    threads: int = 1
    checkpoint: Checkpoint | None = None
    validation: TrainingFrames | None = None
    compiled: bool = False
    callbacks: Callbacks = field(default_factory=Callbacks)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What fitting gives.

    Attributes:
        tensors: What is saved, by name.
        history: A row for each epoch; empty where there are none.
    """

    tensors: Tensors
    history: list[HistoryRow]


class Method(Generic[Kind]):
    """One method; a subclass is registered under a name.

    A method without config keys, as the linear baselines are, needs ``about``, ``fit`` and
    ``load`` only.

    Attributes:
        about: What it is, the first sentence of the model card, without a full stop.
        legacy_defaults: What keys meant before they were there, for models whose config does not
            name them.
    """

    about: ClassVar[str] = ""
    legacy_defaults: ClassVar[Mapping[str, Scalar]] = {}

    @property
    def config(self) -> Kind | None:
        """The default config, may hold ``auto``; ``None``: the method has no keys and no epochs."""
        return None

    @property
    def paper(self) -> Kind | None:
        """The ``--paper`` preset, if there is one."""
        return None

    def resolve(self, config: Kind, survey: Survey) -> Kind:
        """Return the config with every ``auto`` replaced by what the training videos ask for."""
        return config

    def fit(self, config: Kind | None, frames: TrainingFrames, request: FitRequest) -> Fitted:
        """Fit the method.

        Args:
            config: Without ``auto``; ``None`` for a method without keys.
            frames: The training videos.
            request: How.
        """
        raise NotImplementedError

    def load(self, config: Kind | None, tensors: Tensors) -> Hasher:
        """Return what encodes, from the tensors that :meth:`fit` gave."""
        raise NotImplementedError

    def notes(self, config: Kind | None) -> Sequence[str]:
        """Return what the model card says about trust, from a resolved config."""
        return ()

    def material(self, config: Kind, frames: Material) -> str:
        """Say which cached material beside the frames is used; ``""`` for none."""
        return ""


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
