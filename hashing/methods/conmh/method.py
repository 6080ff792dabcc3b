"""ConMH as a learned method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model_folder.folder import Tensors
from ...models.hasher import Hasher
from ..learned import LearnedMethod
from .config import ConmhConfig
from .hasher import ConmhHasher

if TYPE_CHECKING:
    import torch

    from ...data.training_set import TrainingFrames
    from ...training.checkpoint import State
    from ..base import PreparedTraining


class ConmhMethod(LearnedMethod[ConmhConfig]):
    """ConMH, with the losses of BTH and S5VH as options."""

    about = "ConMH: contrastive masked autoencoders over codes, a learned baseline"

    @property
    def config(self) -> ConmhConfig:
        """The defaults."""
        return ConmhConfig()

    def build(
        self,
        config: ConmhConfig,
        frames: TrainingFrames,
        *,
        bits: int,
        seed: int,
        device: torch.device,
        state: State | None,
        validation: TrainingFrames | None = None,
        compiled: bool = False,
    ) -> PreparedTraining:
        """Build network and trainer; ``state`` is not used, because anchors are refitted."""
        from .build import build

        return build(
            config,
            frames,
            bits=bits,
            seed=seed,
            device=device,
            validation=validation,
            compiled=compiled,
        )

    def load(self, config: ConmhConfig | None, tensors: Tensors) -> Hasher:
        """Rebuild a trained network.

        Raises:
            KeyError: If a tensor is missing.
            ValueError: If one is of another shape or unknown.
        """
        return ConmhHasher(config or self.config, tensors)

    def notes(self, config: ConmhConfig | None) -> list[str]:
        """Return the limits of the model as sentences for its card."""
        config = config or self.config
        epochs, published = config.optim.epochs, self.config.optim.epochs
        words = ["An own implementation of ConMH from published facts, not its authors' code."]
        if config.similarity.weight:
            words.append("With BTH's loss between videos that share anchors, which ConMH has not.")
        if config.centres.weight:
            words.append(
                "With S5VH's loss between codes and those of anchors, not a part of ConMH."
            )
        if epochs < published:
            words.append(f"Trained for {epochs} epochs; its authors train {published}.")
        return words


CONMH = ConmhMethod()
