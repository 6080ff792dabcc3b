"""The config of CHAIN: all sections, and the checks across keys."""

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
    ReflectionConfig,
    SceneConfig,
    SimilarityPreservingConfig,
    SwavConfig,
)
from .model import EncoderConfig, HashConfig
from .monitoring import ValidationConfig
from .optimization import NeighboursConfig, OptimConfig


@dataclass(frozen=True, slots=True)
class Config(AnyConfig):
    """Config of CHAIN: one field a section.

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
    reflection: ReflectionConfig = field(default_factory=ReflectionConfig)
    swav: SwavConfig = field(default_factory=SwavConfig)
    more_losses: Mapping[str, LossSection] = field(default_factory=lambda: _more_losses())
    neighbours: NeighboursConfig = field(default_factory=NeighboursConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)

    def check(self) -> None:
        """Check the constraints between keys.

        Raises:
            UsageError: If two values contradict each other; both are named.
        """
        encoder = self.encoder
        if encoder.kind == "transformer" and encoder.hidden_dim % encoder.num_heads:
            raise UsageError(
                f"`encoder.hidden_dim` {encoder.hidden_dim} is not divisible "
                f"by {encoder.num_heads} heads",
                hint="set `encoder.num_heads` to a divisor of `encoder.hidden_dim`",
            )
        views = self.views
        if "auto" not in (views.num_frames, views.window) and int(views.window) < int(
            views.num_frames
        ):
            raise UsageError(
                f"`views.window` {views.window} is shorter than "
                f"`views.num_frames` {views.num_frames}",
                hint="set `views.window` to `auto`, or to `views.num_frames` or more",
            )
        if views.shift and self.input.l2_normalize:
            raise UsageError(
                f"`views.shift` {views.shift:g} cannot be used with `input.l2_normalize`",
                hint="shifts are measured on unnormalized features: disable one of the two",
            )
        if self.hash.init == "random" and self.hash.general not in ("auto", 0):
            raise UsageError(
                f"`hash.general` {self.hash.general:g} cannot be used with `hash.init` random",
                hint="general bits are those of PCA-ITQ: set `hash.init` to `pca-itq`",
            )
        if self.hash.summary != "mean" and (self.hash.init, self.hash.binarize) != (
            "pca-itq",
            "video",
        ):
            raise UsageError(
                f"`hash.summary` {self.hash.summary} needs the linear shortcut over whole videos",
                hint="leave `hash.init` at `pca-itq` and `hash.binarize` at `video`",
            )
        start, end = self.hash.tanh_start, self.hash.tanh_end
        if end < start:
            raise UsageError(
                f"`hash.tanh_end` {end:g} is less than `hash.tanh_start` {start:g}",
                hint="the slope of tanh must not decrease: set `hash.tanh_end` to at least that",
            )


def _more_losses() -> dict[str, LossSection]:
    known = {item.name for item in fields(Config)}
    return {name: LOSSES[name].config() for name in LOSSES.names() if name not in known}
