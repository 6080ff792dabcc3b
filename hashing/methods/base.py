"""Interface of a method: config, fit, load and description.

Torch is imported inside functions only, so the baselines start without it.
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
    """Settings of a fit.

    Attributes:
        bits: K, the length of a code.
        seed: Seed of all random generators.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: CPU threads of torch; the count may change results by rounding.
        checkpoint: File to resume from and to save to; ``None`` saves nothing.
        validation: The validation videos, or ``None``.
        compiled: Compile the network by `torch.compile`.
        callbacks: Training callbacks.
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
    """Result of a fit.

    Attributes:
        tensors: Weights to save, by name.
        history: One row per epoch; empty without epochs.
    """

    tensors: Tensors
    history: list[HistoryRow]


class Method(Generic[Kind]):
    """One method; a subclass is registered under a name.

    A method without config keys, as the linear baselines are, needs ``about``, ``fit`` and
    ``load`` only.

    Attributes:
        about: Description, the first sentence of the model card, without a full stop.
        legacy_defaults: Values of config keys for models that were saved before the keys existed.
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
        """Return the config with every ``auto`` resolved for the training videos."""
        return config

    def fit(self, config: Kind | None, frames: TrainingFrames, request: FitRequest) -> Fitted:
        """Fit the method.

        Args:
            config: Config without ``auto``; ``None`` for a method without keys.
            frames: The training videos.
            request: Settings of the fit.
        """
        raise NotImplementedError

    def load(self, config: Kind | None, tensors: Tensors) -> Hasher:
        """Return the hasher for the tensors of :meth:`fit`."""
        raise NotImplementedError

    def decision(self, config: Kind, survey: Survey) -> str:
        """Return what was decided for the training videos and why, in one line; ``""``: nothing."""
        return ""

    def notes(self, config: Kind | None) -> Sequence[str]:
        """Return the limits of a model as sentences for its card, from a resolved config."""
        return ()

    def material(self, config: Kind, frames: Material) -> str:
        """Return a description of the cached features that are used; ``""`` for none."""
        return ""


@dataclass(frozen=True, slots=True)
class PreparedTraining:
    """A network and its trainer, ready to run.

    Attributes:
        model: The network to save; part of the trainer's objective.
        trainer: The trainer of the objective.
        init_history: History of the initialization before the first epoch.
    """

    model: nn.Module
    trainer: Trainer
    init_history: list[HistoryRow]
