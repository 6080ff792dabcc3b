"""CroVCA-like as a learned method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model_folder.folder import Tensors
from ...models.hasher import Hasher
from ..learned import LearnedMethod
from .config import CrovcaConfig
from .hasher import CrovcaHasher

if TYPE_CHECKING:
    import torch

    from ...data.training_set import TrainingFrames
    from ...training.checkpoint import State
    from ..base import PreparedTraining


class CrovcaMethod(LearnedMethod[CrovcaConfig]):
    """One loss between the codes of two views with a coding-rate term."""

    about = "CroVCA-like: two views' codes aligned, with a coding-rate term, a learned baseline"

    @property
    def config(self) -> CrovcaConfig:
        """The defaults."""
        return CrovcaConfig()

    def build(
        self,
        config: CrovcaConfig,
        frames: TrainingFrames,
        *,
        bits: int,
        seed: int,
        device: torch.device,
        state: State | None,
        validation: TrainingFrames | None = None,
        compiled: bool = False,
    ) -> PreparedTraining:
        """Build network and trainer; the PCA is fitted again, and the head is not compiled."""
        from .build import build

        return build(config, frames, bits=bits, seed=seed, device=device, validation=validation)

    def load(self, config: CrovcaConfig | None, tensors: Tensors) -> Hasher:
        """Rebuild a trained network.

        Raises:
            KeyError: If a tensor is missing.
            ValueError: If one is of another shape or unknown.
        """
        return CrovcaHasher(config or self.config, tensors)


CROVCA = CrovcaMethod()
