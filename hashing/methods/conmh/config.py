"""Every number of ConMH: its defaults are the published ones for FCVID.

Marks: [code] a fact of the authors' released code, [I] our reading where we know of none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chainpipe.pipeline.errors import UsageError

from ...config.fields import AnyConfig, about
from ...config.monitoring import WatchConfig


@dataclass(frozen=True, slots=True)
class MaskConfig:
    """Which frames a view does not show."""

    share: float = field(
        default=0.75,
        metadata=about(
            "share of the frames that a view hides; ActivityNet 0.5 [code]", low=0.0, high=0.99
        ),
    )


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Pre-norm transformer over the frames that are shown [code]."""

    width: int = field(
        default=256, metadata=about("numbers a frame inside the encoder [code]", low=1, high=8192)
    )
    layers: int = field(default=12, metadata=about("transformer blocks [code]", low=1, high=48))
    heads: int = field(
        default=6,
        metadata=about("attention heads of width // heads numbers each [code]", low=1, high=64),
    )
    feed_forward: int = field(
        default=1024, metadata=about("hidden numbers of a block's two-layer part [code]", low=1)
    )


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Rebuilds the hidden frames from the shown frames' codes, in training only [code]."""

    width: int = field(
        default=192, metadata=about("numbers a frame inside the decoder [code]", low=1, high=8192)
    )
    layers: int = field(default=2, metadata=about("transformer blocks [code]", low=1, high=48))
    heads: int = field(
        default=3,
        metadata=about("attention heads of width // heads numbers each [code]", low=1, high=64),
    )
    feed_forward: int = field(
        default=768, metadata=about("hidden numbers of a block's two-layer part [code]", low=1)
    )


@dataclass(frozen=True, slots=True)
class ContrastiveConfig:
    """The debiased contrastive loss between the codes of a video's two views [code]."""

    weight: float = field(
        default=1.0, metadata=about("of this term beside rebuilding; ActivityNet 0.2 [code]")
    )
    temperature: float = field(default=0.5, metadata=about("divides the cosines [code]", low=1e-3))
    debias: float = field(
        default=0.1,
        metadata=about("assumed share of false negatives; ActivityNet 0.05 [code]", high=0.9),
    )


@dataclass(frozen=True, slots=True)
class SimilarityConfig:
    """BTH's loss between videos that share anchors; not ConMH's."""

    weight: float = field(default=0.0, metadata=about("BTH 0.08 beside 0.92 of rebuilding [code]"))
    anchors: int = field(
        default=2000, metadata=about("at most [code], and one for 20 videos at most [I]", low=1)
    )


@dataclass(frozen=True, slots=True)
class CentresConfig:
    """S5VH's loss between codes and those of anchors; not ConMH's."""

    weight: float = field(
        default=0.0, metadata=about("S5VH 0.01, ActivityNet 0.001, UCF101 and HMDB51 0.1 [code]")
    )
    anchors: int = field(
        default=450,
        metadata=about(
            "at most; ActivityNet and HMDB51 100, UCF101 101 [code]; one for 20 videos at most [I]",
            low=1,
        ),
    )
    temperature: float = field(default=0.5, metadata=about("divides products [code]", low=1e-3))
    warmup: int = field(
        default=50, metadata=about("epochs in which the nearest anchor is trusted [code]")
    )
    smoothing: float = field(
        default=0.01, metadata=about("share of the trust that an epoch then takes [code]", high=1.0)
    )


@dataclass(frozen=True, slots=True)
class OptimConfig:
    """Adam with a rate that falls in steps [code]."""

    epochs: int = field(
        default=805,
        metadata=about("rounds over the training videos; ActivityNet 505 [code]", low=1),
    )
    batch: int = field(
        default=512,
        metadata=about("videos a step and process, at most; ActivityNet 128 [code]", low=2),
    )
    rate: float = field(
        default=1e-4, metadata=about("the first learning rate [code]", low=1e-12, high=10.0)
    )
    every: int = field(default=20, metadata=about("epochs before the rate falls [code]", low=1))
    factor: float = field(
        default=0.9, metadata=about("what is then left of the rate [code]", low=0.0, high=1.0)
    )
    least: float = field(
        default=1e-5, metadata=about("the rate falls no lower [code]", low=0.0, high=10.0)
    )
    precision: Literal["float32", "bfloat16"] = field(
        default="float32",
        metadata=about("of matrix products in training; bfloat16 saves GPU memory and time"),
    )


@dataclass(frozen=True, slots=True)
class ConmhConfig(AnyConfig):
    """All sections of a run of ConMH."""

    mask: MaskConfig = field(default_factory=MaskConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    contrastive: ContrastiveConfig = field(default_factory=ContrastiveConfig)
    similarity: SimilarityConfig = field(default_factory=SimilarityConfig)
    centres: CentresConfig = field(default_factory=CentresConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)

    def check(self) -> None:
        """Refuse values that do not fit together.

        Raises:
            UsageError: If a head would have no number.
        """
        for name, part in (("encoder", self.encoder), ("decoder", self.decoder)):
            if part.heads > part.width:
                raise UsageError(
                    f"`{name}.width` {part.width} is too small for {part.heads} heads",
                    hint=f"set `{name}.heads` to {part.width} or less",
                )
