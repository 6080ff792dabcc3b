"""How it is trained: neighbours as positives, and the optimiser."""

from __future__ import annotations

from dataclasses import dataclass, field

from hashing.config.keys import Auto, about


@dataclass(frozen=True, slots=True)
class NeighboursConfig:
    """Other videos as positives: nearest first by input features, later by codes [ours]."""

    count: int | Auto = field(
        default="auto", metadata=about("neighbours of a video; 0 switches them off [ours]")
    )
    probability: float = field(
        default=0.9, metadata=about("how often the second view is a neighbour's [ours]", high=1.0)
    )
    mutual: bool = field(
        default=False, metadata=about("only pairs that are each other's neighbours [ours]")
    )
    threshold: float = field(
        default=-1.0, metadata=about("least cosine of a neighbour [ours]", low=-1.0, high=1.0)
    )
    refresh: int | Auto = field(
        default="auto",
        metadata=about("epochs between searches in the learned codes; 0: never [ours]"),
    )


@dataclass(frozen=True, slots=True)
class OptimConfig:
    """AdamW with a one-cycle rate [I]."""

    epochs: int | Auto = field(
        default="auto", metadata=about("rounds over the training videos", low=0)
    )
    batch: int = field(default=256, metadata=about("videos a step, at most", low=2))
    rate: float = field(
        default=1e-3, metadata=about("the highest learning rate", low=0.0, high=10.0)
    )
    weight_decay: float = field(default=1e-4, metadata=about("of AdamW", high=10.0))
    warmup: float = field(
        default=0.1, metadata=about("share of the steps in which the rate rises", low=0.0, high=1.0)
    )
    clip: float = field(default=0.0, metadata=about("longest gradient; 0: no limit"))
