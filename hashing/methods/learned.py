"""Methods whose network is trained over epochs. No torch here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..data.training_set import TrainingFrames
from .base import FitRequest, Fitted, Kind, Method, PreparedTraining

if TYPE_CHECKING:
    import torch

    from ..training.checkpoint import State


class LearnedMethod(Method[Kind]):
    """A method whose network is trained over epochs; its config has ``optim`` and ``validation``.

    A subclass has ``config``, ``build`` and ``load``.
    """

    def build(
        self,
        config: Kind,
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
            validation: Videos that are not trained on and validate the training.
            compiled: Whether `torch.compile` makes its steps faster.
        """
        raise NotImplementedError

    def fit(self, config: Kind | None, frames: TrainingFrames, request: FitRequest) -> Fitted:
        """Train the network with the loop that all learned methods share.

        Raises:
            ValueError: If there is no config.
        """
        from .fit import fit_network  # imports torch

        if config is None:
            raise ValueError("a learned method is fitted with a config")

        def build(device: torch.device, state: State | None) -> PreparedTraining:
            return self.build(
                config,
                frames,
                bits=request.bits,
                seed=request.seed,
                device=device,
                state=state,
                validation=request.validation,
                compiled=request.compiled,
            )

        return fit_network(build, request)
