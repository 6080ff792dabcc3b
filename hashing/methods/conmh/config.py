"""Every number of ConMH: its defaults are the published ones for FCVID.

Marks: [code] a fact of the authors' released code, [I] our reading where we know of none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chainpipe.pipeline.errors import UsageError

from ...config.fields import AnyConfig, about
from ...config.monitoring import ValidationConfig


@dataclass(frozen=True, slots=True)
class ConmhMaskConfig:
    """Which frames a view does not show."""

    ratio: float = field(
        default=0.75,
        metadata=about(
            "share of the frames that a view hides; ActivityNet 0.5 [code]", low=0.0, high=0.99
        ),
    )


@dataclass(frozen=True, slots=True)
class ConmhEncoderConfig:
    """Pre-norm transformer over the frames that are shown [code]."""

    hidden_dim: int = field(
        default=256, metadata=about("numbers a frame inside the encoder [code]", low=1, high=8192)
    )
    num_layers: int = field(default=12, metadata=about("transformer blocks [code]", low=1, high=48))
    num_heads: int = field(
        default=6,
        metadata=about("attention heads of width // heads numbers each [code]", low=1, high=64),
    )
    feed_forward_dim: int = field(
        default=1024, metadata=about("hidden numbers of a block's two-layer part [code]", low=1)
    )


@dataclass(frozen=True, slots=True)
class ConmhDecoderConfig:
    """Rebuilds the hidden frames from the shown frames' codes, in training only [code]."""

    hidden_dim: int = field(
        default=192, metadata=about("numbers a frame inside the decoder [code]", low=1, high=8192)
    )
    num_layers: int = field(default=2, metadata=about("transformer blocks [code]", low=1, high=48))
    num_heads: int = field(
        default=3,
        metadata=about("attention heads of width // heads numbers each [code]", low=1, high=64),
    )
    feed_forward_dim: int = field(
        default=768, metadata=about("hidden numbers of a block's two-layer part [code]", low=1)
    )


@dataclass(frozen=True, slots=True)
class ConmhContrastiveConfig:
    """The debiased contrastive loss between the codes of a video's two views [code]."""

    weight: float = field(
        default=1.0, metadata=about("of this term beside rebuilding; ActivityNet 0.2 [code]")
    )
    temperature: float = field(default=0.5, metadata=about("divides the cosines [code]", low=1e-3))
    tau_plus: float = field(
        default=0.1,
        metadata=about("assumed share of false negatives; ActivityNet 0.05 [code]", high=0.9),
    )


@dataclass(frozen=True, slots=True)
class BthSimilarityConfig:
    """BTH's loss between videos that share anchors; not ConMH's."""

    weight: float = field(default=0.0, metadata=about("BTH 0.08 beside 0.92 of rebuilding [code]"))
    num_anchors: int = field(
        default=2000, metadata=about("at most [code], and one for 20 videos at most [I]", low=1)
    )


@dataclass(frozen=True, slots=True)
class S5vhCentresConfig:
    """S5VH's loss between codes and those of anchors; not ConMH's."""

    weight: float = field(
        default=0.0, metadata=about("S5VH 0.01, ActivityNet 0.001, UCF101 and HMDB51 0.1 [code]")
    )
    num_anchors: int = field(
        default=450,
        metadata=about(
            "at most; ActivityNet and HMDB51 100, UCF101 101 [code]; one for 20 videos at most [I]",
            low=1,
        ),
    )
    temperature: float = field(default=0.5, metadata=about("divides products [code]", low=1e-3))
    warmup_epochs: int = field(
        default=50, metadata=about("epochs in which the nearest anchor is trusted [code]")
    )
    trust_decay: float = field(
        default=0.01, metadata=about("share of the trust that an epoch then takes [code]", high=1.0)
    )


@dataclass(frozen=True, slots=True)
class ConmhOptimConfig:
    """Adam with a rate that falls in steps [code]."""

    epochs: int = field(
        default=805,
        metadata=about("rounds over the training videos; ActivityNet 505 [code]", low=1),
    )
    batch_size: int = field(
        default=512,
        metadata=about("videos a step and process, at most; ActivityNet 128 [code]", low=2),
    )
    lr: float = field(
        default=1e-4, metadata=about("the first learning rate [code]", low=1e-12, high=10.0)
    )
    step_size: int = field(default=20, metadata=about("epochs before the rate falls [code]", low=1))
    gamma: float = field(
        default=0.9, metadata=about("what is then left of the rate [code]", low=0.0, high=1.0)
    )
    min_lr: float = field(
        default=1e-5, metadata=about("the rate falls no lower [code]", low=0.0, high=10.0)
    )
    precision: Literal["float32", "bfloat16"] = field(
        default="float32",
        metadata=about("of matrix products in training; bfloat16 saves GPU memory and time"),
    )


@dataclass(frozen=True, slots=True)
class ConmhConfig(AnyConfig):
    """All sections of a run of ConMH."""

    mask: ConmhMaskConfig = field(default_factory=ConmhMaskConfig)
    encoder: ConmhEncoderConfig = field(default_factory=ConmhEncoderConfig)
    decoder: ConmhDecoderConfig = field(default_factory=ConmhDecoderConfig)
    contrastive: ConmhContrastiveConfig = field(default_factory=ConmhContrastiveConfig)
    similarity: BthSimilarityConfig = field(default_factory=BthSimilarityConfig)
    centres: S5vhCentresConfig = field(default_factory=S5vhCentresConfig)
    optim: ConmhOptimConfig = field(default_factory=ConmhOptimConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)

    def check(self) -> None:
        """Refuse values that do not fit together.

        Raises:
            UsageError: If a head would have no number.
        """
        for name, part in (("encoder", self.encoder), ("decoder", self.decoder)):
            if part.num_heads > part.hidden_dim:
                raise UsageError(
                    f"`{name}.hidden_dim` {part.hidden_dim} is too small "
                    f"for {part.num_heads} heads",
                    hint=f"set `{name}.num_heads` to {part.hidden_dim} or less",
                )
