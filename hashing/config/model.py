"""What is trained: the encoder, and the hash layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from chainpipe.pipeline.records import Lazy, Registry

from .fields import Auto, about

_ENCODERS = "chainpipe.hashing.models.encoders"
ENCODERS: Registry[type[Any]] = Registry(  # classes with `from_config`
    "encoder",
    {
        "transformer": Lazy(f"{_ENCODERS}.transformer", "TransformerEncoder"),
        "lstm": Lazy(f"{_ENCODERS}.lstm", "LstmEncoder"),
        "mlp-mixer": Lazy(f"{_ENCODERS}.mixer", "MixerEncoder"),
    },
)


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """The encoder over frames [P]; its sizes [I]."""

    kind: str = field(
        default="transformer",
        metadata=about(
            "transformer, or what the paper compares it with: lstm, mlp-mixer [P]",
            choices=ENCODERS.names,
        ),
    )
    hidden_dim: int = field(
        default=176, metadata=about("numbers a frame inside the encoder [I]", low=1, high=8192)
    )
    num_layers: int = field(default=1, metadata=about("blocks of any kind [I]", low=1, high=48))
    num_heads: int = field(
        default=1,
        metadata=about("transformer only: attention heads; divides the width [I]", low=1, high=64),
    )
    mixer_tokens: int = field(
        default=25,
        metadata=about(
            "mlp-mixer only: places in the clip that it mixes; any T is resampled [I]",
            low=1,
            high=1024,
        ),
    )
    feed_forward_dim: int = field(
        default=1280,
        metadata=about("not of lstm: hidden numbers of a block's two-layer part [I]", low=1),
    )
    activation: Literal["relu", "gelu"] = field(
        default="relu", metadata=about("transformer only: curve of a block's hidden numbers [I]")
    )
    bias: bool = field(
        default=False,
        metadata=about(
            "transformer only: a bias also where normalised frames are read, beside that of the "
            "norm [I]"
        ),
    )
    position_slots: int = field(
        default=4,
        metadata=about(
            "transformer only: slots that any clip's positions are spread over [ours]; "
            "0: one a frame [I]",
            high=1024,
        ),
    )
    dropout: float = field(
        default=0.1,
        metadata=about("share of what a block adds that is set to zero in training [I]", high=0.95),
    )


@dataclass(frozen=True, slots=True)
class HashConfig:
    """The hash layer."""

    init: Literal["pca-itq", "random"] = field(
        default="pca-itq",
        metadata=about("pca-itq: training starts at PCA-ITQ's own codes [ours]; random [I]"),
    )
    binarize: Literal["video", "frame"] = field(
        default="video",
        metadata=about("sign of the video's mean [ours], or of each frame before the mean [I]"),
    )
    binarizer: Literal["straight-through", "tanh"] = field(
        default="straight-through",
        metadata=about("straight-through: signs with a gradient [P]; tanh, ever steeper [I]"),
    )
    tanh_start: float = field(
        default=1.0,
        metadata=about("tanh only: steepness before the first step [I]", low=1e-3, high=1e3),
    )
    tanh_end: float = field(
        default=10.0, metadata=about("tanh only: steepness at the end [I]", low=1e-3, high=1e3)
    )
    l2_normalize: bool = field(
        default=False, metadata=about("scale the skip's mean input to a fixed length [ours]")
    )
    distill_steps: int | Auto = field(
        default="auto",
        metadata=about(
            "steps that bring the start closer to the features' own ranking; auto: 200, or none "
            "for less than 100 videos [ours]"
        ),
    )
    distill_lr: float = field(default=3e-3, metadata=about("their learning rate [ours]", high=10.0))
