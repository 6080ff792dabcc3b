"""CHAIN as a learned method: PCA whitening, transformer, hash layer, three losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ...config import Config
from ...config.overrides import Scalar
from ...config.presets import Survey, decision, paper_config, resolve
from ...data.requirements import Material, cached_material
from ...model_folder.folder import Tensors
from ...models.fused_hasher import FusedHasher
from ...models.hasher import Hasher
from ...models.inference.encoders import NUMPY_ENCODERS
from ...models.inference.tensors import TensorReader
from ..learned import LearnedMethod

if TYPE_CHECKING:
    import torch

    from ...data.training_set import TrainingFrames
    from ...training.checkpoint import State
    from ..base import PreparedTraining

NO_TASKS = (
    "The three tasks had no part in it. The codes are CHAIN's start: PCA-ITQ, distilled to rank as "
    "the features do; with fewer than 32 videos and the default backbone, PCA-ITQ of the weight "
    "vectors of that network's classifier, which knows other content, too."
)
_OURS = (
    "CHAIN's authors published neither code nor hyper-parameters: every number the paper does not "
    "state is ours, and no number of the paper is claimed."
)


class ChainMethod(LearnedMethod[Config]):
    """CHAIN with our extensions; ``paper`` is the published variant."""

    about = "CHAIN: contrastive learning with frame order and scene tasks"
    legacy_defaults: ClassVar[Mapping[str, Scalar]] = {
        "input.within_whitening": 0.0,
        "hash.general": 0.0,
        "hash.general_from": "videos",
        "hash.general_residual": 0.0,
        "hash.min_learned": 1,
        "encoder.position_slots": 0,
        "encoder.activation": "gelu",
        "encoder.bias": True,
    }

    @property
    def config(self) -> Config:
        """The defaults."""
        return Config()

    @property
    def paper(self) -> Config:
        """The preset of the published variant."""
        return paper_config()

    def resolve(self, config: Config, survey: Survey) -> Config:
        """Return the config with every ``auto`` resolved for the training videos."""
        return resolve(config, survey)

    def build(
        self,
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
        """Build CHAIN's network and trainer."""
        from .build import build

        return build(
            config,
            frames,
            bits=bits,
            seed=seed,
            device=device,
            state=state,
            validation=validation,
            compiled=compiled,
        )

    def load(self, config: Config | None, tensors: Tensors) -> Hasher:
        """Rebuild a trained network, in numpy unless its encoder is a plug-in's.

        Raises:
            KeyError: If a tensor is missing.
            ValueError: If one is of another shape or unknown.
        """
        config = config or self.config
        kind = config.encoder.kind
        if kind not in NUMPY_ENCODERS:
            from .build_model import load_model

            return load_model(config, tensors).fused()
        read = TensorReader(tensors)
        hasher = FusedHasher(
            read,
            config=config.hash,
            encoder=NUMPY_ENCODERS[kind](config.encoder, read),
            l2_normalize=config.input.l2_normalize,
        )
        read.finish()
        return hasher

    def decision(self, config: Config, survey: Survey) -> str:
        """Return the weights of the tasks, and how far views are trusted."""
        return decision(config, survey)

    def notes(self, config: Config | None) -> list[str]:
        """Return the limits of the model as sentences for its card."""
        return [_OURS] if config is None or config.optim.epochs else [_OURS, NO_TASKS]

    def material(self, config: Config, frames: Material) -> str:
        """Return a description of the cached features that the views are drawn from."""
        return cached_material(config, frames).describe(frames)


CHAIN = ChainMethod()
