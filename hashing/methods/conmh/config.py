"""ConMH's config: all hyper-parameters, with the published defaults for FCVID.

Marks: [code] a fact of the authors' released code, [I] our reading where we know of none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chainpipe.pipeline.errors import UsageError

from ...config.fields import AnyConfig, about
from ...config.monitoring import ValidationConfig

EPSILON = 1e-6  # of the layer norms [code]


@dataclass(frozen=True, slots=True)
class ConmhMaskConfig:
    """Masking of frames in a view."""

    ratio: float = field(
        default=0.75,
        metadata=about(
            "fraction of masked frames of a view; ActivityNet 0.5 [code]", low=0.0, high=0.99
        ),
    )


@dataclass(frozen=True, slots=True)
class ConmhEncoderConfig:
    """Pre-norm transformer over the visible frames [code]."""

    hidden_dim: int = field(
        default=256, metadata=about("hidden size of the encoder [code]", low=1, high=8192)
    )
    num_layers: int = field(default=12, metadata=about("transformer blocks [code]", low=1, high=48))
    num_heads: int = field(
        default=6,
        metadata=about(
            "attention heads of hidden_dim // num_heads dimensions [code]", low=1, high=64
        ),
    )
    feed_forward_dim: int = field(
        default=1024, metadata=about("hidden size of the feed-forward layers [code]", low=1)
    )


@dataclass(frozen=True, slots=True)
class ConmhDecoderConfig:
    """Decoder of masked frames from visible frames' codes, in training only [code]."""

    hidden_dim: int = field(
        default=192, metadata=about("hidden size of the decoder [code]", low=1, high=8192)
    )
    num_layers: int = field(default=2, metadata=about("transformer blocks [code]", low=1, high=48))
    num_heads: int = field(
        default=3,
        metadata=about(
            "attention heads of hidden_dim // num_heads dimensions [code]", low=1, high=64
        ),
    )
    feed_forward_dim: int = field(
        default=768, metadata=about("hidden size of the feed-forward layers [code]", low=1)
    )


@dataclass(frozen=True, slots=True)
class ConmhContrastiveConfig:
    """The debiased contrastive loss between the codes of a video's two views [code]."""

    weight: float = field(
        default=1.0,
        metadata=about("weight of this loss; reconstruction has 1; ActivityNet 0.2 [code]"),
    )
    temperature: float = field(
        default=0.5, metadata=about("softmax temperature of the cosines [code]", low=1e-3)
    )
    tau_plus: float = field(
        default=0.1,
        metadata=about("assumed fraction of false negatives; ActivityNet 0.05 [code]", high=0.9),
    )


@dataclass(frozen=True, slots=True)
class BthSimilarityConfig:
    """BTH's similarity loss between videos with shared anchors; not part of ConMH."""

    weight: float = field(default=0.0, metadata=about("BTH 0.08 beside 0.92 of rebuilding [code]"))
    num_anchors: int = field(
        default=2000, metadata=about("at most [code], and one for 20 videos at most [I]", low=1)
    )


@dataclass(frozen=True, slots=True)
class S5vhCentresConfig:
    """S5VH's hash-centre loss between codes and anchors' codes; not part of ConMH."""

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
    temperature: float = field(
        default=0.5, metadata=about("softmax temperature of products of codes [code]", low=1e-3)
    )
    warmup_epochs: int = field(
        default=50, metadata=about("epochs with the nearest anchor as the only label [code]")
    )
    trust_decay: float = field(
        default=0.01, metadata=about("decay of the label's weight per later epoch [code]", high=1.0)
    )


@dataclass(frozen=True, slots=True)
class ConmhOptimConfig:
    """Adam with a step-decay learning rate [code]."""

    epochs: int = field(
        default=805,
        metadata=about("passes over the training videos; ActivityNet 505 [code]", low=1),
    )
    batch_size: int = field(
        default=512,
        metadata=about("maximum videos per step and process; ActivityNet 128 [code]", low=2),
    )
    lr: float = field(
        default=1e-4, metadata=about("initial learning rate [code]", low=1e-12, high=10.0)
    )
    step_size: int = field(
        default=20, metadata=about("epochs between two decays of the learning rate [code]", low=1)
    )
    gamma: float = field(
        default=0.9,
        metadata=about("factor of the learning rate at each decay [code]", low=0.0, high=1.0),
    )
    min_lr: float = field(
        default=1e-5, metadata=about("minimum learning rate [code]", low=0.0, high=10.0)
    )
    precision: Literal["float32", "bfloat16"] = field(
        default="float32",
        metadata=about("dtype of matrix products in training; bfloat16 saves GPU memory and time"),
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
            UsageError: If a head would have no dimensions.
        """
        for name, part in (("encoder", self.encoder), ("decoder", self.decoder)):
            if part.num_heads > part.hidden_dim:
                raise UsageError(
                    f"`{name}.hidden_dim` {part.hidden_dim} is too small "
                    f"for {part.num_heads} heads",
                    hint=f"set `{name}.num_heads` to {part.hidden_dim} or less",
                )
