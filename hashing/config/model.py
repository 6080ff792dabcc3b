"""Config of the network: encoder and hash layer."""

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
    """Temporal encoder over frames [P]; its sizes [I]."""

    kind: str = field(
        default="transformer",
        metadata=about(
            "transformer, or what the paper compares it with: lstm, mlp-mixer [P]",
            choices=ENCODERS.names,
        ),
    )
    hidden_dim: int = field(
        default=176, metadata=about("hidden size of the encoder (d_model) [I]", low=1, high=8192)
    )
    num_layers: int = field(default=1, metadata=about("number of layers [I]", low=1, high=48))
    num_heads: int = field(
        default=1,
        metadata=about("transformer only: attention heads; divides hidden_dim [I]", low=1, high=64),
    )
    mixer_tokens: int = field(
        default=25,
        metadata=about(
            "mlp-mixer only: tokens over time; any T is resampled to them [I]",
            low=1,
            high=1024,
        ),
    )
    feed_forward_dim: int = field(
        default=512,
        metadata=about("transformer, mlp-mixer: hidden size of the feed-forward layer [I]", low=1),
    )
    activation: Literal["relu", "gelu"] = field(
        default="relu",
        metadata=about("transformer only: activation function of the feed-forward layer [I]"),
    )
    bias: bool = field(
        default=False,
        metadata=about("transformer only: bias in the linear layers that follow a LayerNorm [I]"),
    )
    position_slots: int = field(
        default=4,
        metadata=about(
            "transformer only: positions of a clip are rescaled to this range [ours]; "
            "0: one position a frame [I]",
            high=1024,
        ),
    )
    dropout: float = field(
        default=0.1,
        metadata=about("dropout on the output of each residual branch [I]", high=0.95),
    )


@dataclass(frozen=True, slots=True)
class HashConfig:
    """The hash layer."""

    init: Literal["pca-itq", "random"] = field(
        default="pca-itq",
        metadata=about("pca-itq: initial codes are those of PCA-ITQ [ours]; random [I]"),
    )
    general: float | Auto = field(
        default="auto",
        metadata=about(
            "fraction of the bits that no task trains, with init=pca-itq; auto: 0.5 where views "
            "are not fully trusted, else 0.25 of the classifier, 0 without one [ours]",
            high=0.9,
        ),
    )
    general_from: Literal["auto", "videos", "classifier"] = field(
        default="auto",
        metadata=about(
            "what the general bits are: PCA-ITQ of the videos, or of the weights of the "
            "backbone's classifier, which knows other content; auto: videos where views are not "
            "fully trusted, else the classifier, if it is known [ours]"
        ),
    )
    general_residual: float | Auto = field(
        default="auto",
        metadata=about(
            "fraction of the bits, of those that are general and of the videos, that shows the "
            "components which PCA-ITQ of so few bits leaves out: it tells copies from similar "
            "videos; auto: 0.125 of codes over 32 bits [ours]",
            high=0.9,
        ),
    )
    min_learned: int | Auto = field(
        default="auto",
        metadata=about(
            "bits that are learned before any is general; auto: 32 beside bits of the "
            "classifier, else 1 [ours]",
            low=1,
            high=4096,
        ),
    )
    binarize: Literal["video", "frame"] = field(
        default="video",
        metadata=about(
            "video: sign of the mean over frames [ours]; frame: mean of frame signs [I]"
        ),
    )
    binarizer: Literal["straight-through", "tanh"] = field(
        default="straight-through",
        metadata=about("straight-through estimator of sign [P]; tanh with continuation [I]"),
    )
    tanh_start: float = field(
        default=1.0,
        metadata=about("tanh only: slope at the first step [I]", low=1e-3, high=1e3),
    )
    tanh_end: float = field(
        default=10.0, metadata=about("tanh only: slope at the last step [I]", low=1e-3, high=1e3)
    )
    l2_normalize: bool = field(
        default=False, metadata=about("L2-normalize the input of the linear shortcut [ours]")
    )
    summary: Literal["mean", "trend", "changes"] = field(
        default="mean",
        metadata=about(
            "what the linear shortcut reads: mean of the frames; for videos that differ by order, "
            "their trend from start to end, or the size of changes between frames (tempo) [ours]"
        ),
    )
    distill_steps: int | Auto = field(
        default="auto",
        metadata=about(
            "steps that distill the feature ranking into the initial codes; auto: 200, or 0 "
            "for fewer than 100 videos [ours]"
        ),
    )
    distill_lr: float = field(
        default=3e-3, metadata=about("learning rate of these steps [ours]", high=10.0)
    )
