"""Config of training: positive mining and the optimizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .fields import Auto, about


@dataclass(frozen=True, slots=True)
class NeighboursConfig:
    """Positive mining: neighbours by input features at first, by codes later [ours]."""

    source: Literal["auto", "scenes", "means"] = field(
        default="auto",
        metadata=about(
            "initial search: random walk over scenes, or video means; auto: scenes up to "
            "8000 videos [ours]"
        ),
    )
    scenes_per_video: int = field(
        default=3, metadata=about("scenes only: maximum scenes of a video [ours]", low=1, high=64)
    )
    edges_per_scene: int = field(
        default=15,
        metadata=about("scenes only: nearest scenes that each scene is linked to [ours]", low=1),
    )
    damping: float = field(
        default=0.97,
        metadata=about(
            "scenes only: damping factor; the walk restarts with 1 - damping [ours]", high=0.999
        ),
    )
    k: int | Auto = field(
        default="auto", metadata=about("neighbours of a video; 0 disables mining [ours]")
    )
    probability: float = field(
        default=0.9,
        metadata=about("probability that the second view comes from a neighbour [ours]", high=1.0),
    )
    mutual: bool = field(
        default=False, metadata=about("keep mutual nearest neighbours only [ours]")
    )
    min_cosine: float = field(
        default=-1.0,
        metadata=about("means or codes: minimum cosine of a neighbour [ours]", low=-1.0, high=1.0),
    )
    update_every: int | Auto = field(
        default="auto",
        metadata=about(
            "epochs between searches by learned codes; 0: never; auto: 0 for scenes [ours]"
        ),
    )


@dataclass(frozen=True, slots=True)
class OptimConfig:
    """AdamW with a one-cycle learning rate [I]."""

    epochs: int | Auto = field(
        default="auto", metadata=about("epochs over the training videos", low=0)
    )
    batch_size: int = field(
        default=256, metadata=about("maximum videos in a batch of one process", low=2)
    )
    lr: float = field(default=2e-3, metadata=about("maximum learning rate", low=0.0, high=10.0))
    weight_decay: float = field(default=0.02, metadata=about("weight decay of AdamW", high=10.0))
    warmup: float = field(
        default=0.1,
        metadata=about("fraction of the steps in which the learning rate rises", low=0.0, high=1.0),
    )
    grad_clip_norm: float = field(
        default=0.0, metadata=about("maximum gradient norm; 0 disables clipping")
    )
    precision: Literal["float32", "bfloat16"] = field(
        default="float32",
        metadata=about(
            "of matrix products in training (autocast); bfloat16 saves GPU memory and time"
        ),
    )
