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

    A subclass defines ``config``, ``build`` and ``load``.
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
        """Build the network and its trainer.

        Args:
            config: Config without ``auto``.
            frames: The training videos.
            bits: K, the length of a code.
            seed: Seed of all random generators.
            device: Device of the training.
            state: Checkpoint of an interrupted run, to skip fits that it contains; the trainer
                restores the weights itself.
            validation: The validation videos.
            compiled: Compile the network by `torch.compile`.
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
