"""How it is trained: neighbours as positives, and the optimiser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .fields import Auto, about


@dataclass(frozen=True, slots=True)
class NeighboursConfig:
    """Other videos as positives: nearest first by input features, later by codes [ours]."""

    source: Literal["auto", "scenes", "means"] = field(
        default="auto",
        metadata=about(
            "found first by a walk over scenes, or by means; auto: scenes up to 8000 videos [ours]"
        ),
    )
    scenes_per_video: int = field(
        default=3, metadata=about("by scenes: scenes of a video at most [ours]", low=1, high=64)
    )
    edges_per_scene: int = field(
        default=15,
        metadata=about("by scenes: most alike scenes that each is linked to [ours]", low=1),
    )
    damping: float = field(
        default=0.97,
        metadata=about("by scenes: chance that the walk goes on [ours]", high=0.999),
    )
    k: int | Auto = field(
        default="auto", metadata=about("neighbours of a video; 0 switches them off [ours]")
    )
    probability: float = field(
        default=0.9, metadata=about("how often the second view is a neighbour's [ours]", high=1.0)
    )
    mutual: bool = field(
        default=False, metadata=about("only pairs that are each other's neighbours [ours]")
    )
    min_cosine: float = field(
        default=-1.0,
        metadata=about("by means or codes: least cosine of a neighbour [ours]", low=-1.0, high=1.0),
    )
    update_every: int | Auto = field(
        default="auto",
        metadata=about(
            "epochs between searches in the learned codes; 0: never; auto: never by scenes [ours]"
        ),
    )


@dataclass(frozen=True, slots=True)
class OptimConfig:
    """AdamW with a one-cycle rate [I]."""

    epochs: int | Auto = field(
        default="auto", metadata=about("rounds over the training videos", low=0)
    )
    batch_size: int = field(
        default=256, metadata=about("videos a step and process, at most", low=2)
    )
    lr: float = field(default=2e-3, metadata=about("the highest learning rate", low=0.0, high=10.0))
    weight_decay: float = field(default=0.02, metadata=about("of AdamW", high=10.0))
    warmup: float = field(
        default=0.1, metadata=about("share of the steps in which the rate rises", low=0.0, high=1.0)
    )
    grad_clip_norm: float = field(default=0.0, metadata=about("longest gradient; 0: no limit"))
    precision: Literal["float32", "bfloat16"] = field(
        default="float32",
        metadata=about("of matrix products in training; bfloat16 saves GPU memory and time"),
    )
