"""All sections of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from chainpipe.pipeline.errors import UsageError

from .fields import AnyConfig
from .inputs import InputConfig, ViewsConfig
from .losses import (
    LOSSES,
    ContrastiveConfig,
    LossSection,
    OrderConfig,
    SceneConfig,
    SimilarityPreservingConfig,
    SwavConfig,
)
from .model import EncoderConfig, HashConfig
from .monitoring import ValidationConfig
from .optimization import NeighboursConfig, OptimConfig


@dataclass(frozen=True, slots=True)
class Config(AnyConfig):
    """All sections of a run.

    Attributes:
        more_losses: Sections of the losses that have no field here, by name.
    """

    input: InputConfig = field(default_factory=InputConfig)
    views: ViewsConfig = field(default_factory=ViewsConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    hash: HashConfig = field(default_factory=HashConfig)
    contrastive: ContrastiveConfig = field(default_factory=ContrastiveConfig)
    order: OrderConfig = field(default_factory=OrderConfig)
    scene: SceneConfig = field(default_factory=SceneConfig)
    similarity: SimilarityPreservingConfig = field(default_factory=SimilarityPreservingConfig)
    swav: SwavConfig = field(default_factory=SwavConfig)
    more_losses: Mapping[str, LossSection] = field(default_factory=lambda: _more_losses())
    neighbours: NeighboursConfig = field(default_factory=NeighboursConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)

    def check(self) -> None:
        """Refuse values that do not fit together.

        Raises:
            UsageError: Naming the two of which one does not go with the other.
        """
        encoder = self.encoder
        if encoder.kind == "transformer" and encoder.hidden_dim % encoder.num_heads:
            raise UsageError(
                f"`encoder.hidden_dim` {encoder.hidden_dim} cannot be shared "
                f"by {encoder.num_heads} heads",
                hint="set `encoder.num_heads` to a divisor of the width",
            )
        views = self.views
        if "auto" not in (views.num_frames, views.window) and int(views.window) < int(
            views.num_frames
        ):
            raise UsageError(
                f"`views.window` {views.window} does not hold "
                f"`views.num_frames` {views.num_frames}",
                hint="set `views.window` to `auto`, or to as many frames or more",
            )
        if views.shift and self.input.l2_normalize:
            raise UsageError(
                f"`views.shift` {views.shift:g} does not go with `input.l2_normalize`",
                hint="shifts are measured on features of their own length: set one of them off",
            )
        start, end = self.hash.tanh_start, self.hash.tanh_end
        if end < start:
            raise UsageError(
                f"`hash.tanh_end` {end:g} is less than `hash.tanh_start` {start:g}",
                hint="tanh becomes steeper over the training",
            )


def _more_losses() -> dict[str, LossSection]:
    known = {item.name for item in fields(Config)}
    return {name: LOSSES[name].config() for name in LOSSES.names() if name not in known}
