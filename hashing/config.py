"""Every number of a training run: frozen sections, one documented key a line.

Marks in the descriptions: [P] said by CHAIN's paper, [I] our reading where it is silent, [ours] an
extension that the paper does not have. ``--paper`` switches every [ours] off.
CHAIN, MM 2023: https://doi.org/10.1145/3581783.3613440
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Auto = Literal["auto"]


def about(doc: str, *, low: float = 0.0, high: float = 1e9) -> dict[str, Any]:
    """Describe a key: what it means, and the range of its numbers."""
    return {"doc": doc, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class InputConfig:
    """The fixed front between the stored features and the encoder."""

    dims: int = field(
        default=256,
        metadata=about("principal axes of the frames that are kept [I]", low=1, high=4096),
    )
    whitening: float | Auto = field(
        default="auto",
        metadata=about(
            "axes are scaled by eigenvalue^-whitening; 0 none, 0.25 half [ours]", high=0.5
        ),
    )
    unit_frames: bool = field(
        default=False, metadata=about("scale each frame's feature to length 1 first [I]")
    )


@dataclass(frozen=True, slots=True)
class ViewsConfig:
    """How the two views of a video are drawn and changed."""

    mode: Literal["halves", "segment", "random", "consecutive"] = field(
        default="halves",
        metadata=about(
            "halves: a window in each half [ours]; segment: a frame of each segment [P]"
        ),
    )
    frames: int | Auto = field(
        default="auto",
        metadata=about("frames of a view; auto: T/3, in segment mode T/2 [I]", low=1, high=100_000),
    )
    window: int | Auto = field(
        default="auto",
        metadata=about(
            "halves: frames that a view's are drawn from; auto: T/3 [ours]", low=1, high=100_000
        ),
    )
    noise: float = field(
        default=0.5,
        metadata=about(
            "noise shared by a view's frames, in standard deviations; stands in for A2 [I]"
        ),
    )
    drop_features: float = field(
        default=0.2,
        metadata=about(
            "share of features hidden in all frames of a view; stands in for A2 [I]", high=0.95
        ),
    )
    drop_frames: float = field(
        default=0.0, metadata=about("share of a view's frames that are hidden [I]", high=0.95)
    )


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """The transformer over frames [P]; its sizes [I]."""

    width: int = field(
        default=256, metadata=about("numbers a frame inside the encoder [I]", low=1, high=8192)
    )
    layers: int = field(default=1, metadata=about("transformer blocks [I]", low=1, high=48))
    heads: int = field(
        default=4, metadata=about("attention heads; divides the width [I]", low=1, high=64)
    )
    feed_forward: int = field(
        default=1024, metadata=about("hidden numbers of a block's two-layer part [I]", low=1)
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
    unit_mean: bool = field(
        default=False, metadata=about("scale the skip's mean input to a fixed length [ours]")
    )
    distil_steps: int = field(
        default=200,
        metadata=about("steps that bring the start closer to the features' own ranking [ours]"),
    )
    distil_rate: float = field(
        default=3e-3, metadata=about("their learning rate [ours]", high=10.0)
    )


@dataclass(frozen=True, slots=True)
class ContrastiveConfig:
    """Task 1: the two views of a video meet, others part [P]."""

    weight: float | Auto = field(
        default="auto", metadata=about("of this term; auto: less for few or still videos [I]")
    )
    temperature: float = field(
        default=0.3, metadata=about("divides the cosines; the peers use 0.5 [I]", low=1e-3)
    )
    debias: float = field(
        default=0.0,
        metadata=about(
            "assumed share of false negatives; 0 is NT-Xent, the peers use 0.05 to 0.1 [I]",
            high=0.9,
        ),
    )
    mask_neighbours: bool = field(
        default=False, metadata=about("a video's neighbours are not its negatives [ours]")
    )


@dataclass(frozen=True, slots=True)
class OrderConfig:
    """Task 2: tell each frame's position from a shuffled clip [P]."""

    weight: float | Auto = field(
        default="auto", metadata=about("of this term; 0 switches the task off [I]")
    )
    frames: int = field(
        default=8, metadata=about("frames drawn from the video for the task; 0: all [I]")
    )
    smoothing: float = field(
        default=1.0,
        metadata=about("the target is a bell over positions, this many frames wide [I]"),
    )


@dataclass(frozen=True, slots=True)
class SceneConfig:
    """Task 3: frames gather around the prototype of their own scene of the video [P]."""

    weight: float | Auto = field(
        default="auto", metadata=about("of this term; 0 switches the task off [I]")
    )
    clusters: int = field(
        default=4, metadata=about("scenes of a video at most [I]", low=1, high=64)
    )
    temperature: float = field(
        default=0.3,
        metadata=about("divides the cosines between frames and prototypes [I]", low=1e-3),
    )
    min_spread: float = field(
        default=0.1,
        metadata=about("a video that varies less than this share of the average is one scene [I]"),
    )


@dataclass(frozen=True, slots=True)
class StructureConfig:
    """Videos that look alike to the backbone stay alike in their codes [ours]."""

    weight: float | Auto = field(
        default="auto", metadata=about("of this term; 0 switches it off [ours]")
    )
    form: Literal["listwise", "squared"] = field(
        default="listwise",
        metadata=about("compare rankings as distributions, or cosines by their squares [ours]"),
    )
    target: float = field(
        default=0.15, metadata=about("listwise: temperature of the features [ours]", low=1e-3)
    )
    temperature: float = field(
        default=0.3, metadata=about("listwise: temperature of the codes [ours]", low=1e-3)
    )


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


@dataclass(frozen=True, slots=True)
class Config:
    """All sections of a run."""

    input: InputConfig = field(default_factory=InputConfig)
    views: ViewsConfig = field(default_factory=ViewsConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    hash: HashConfig = field(default_factory=HashConfig)
    contrastive: ContrastiveConfig = field(default_factory=ContrastiveConfig)
    order: OrderConfig = field(default_factory=OrderConfig)
    scene: SceneConfig = field(default_factory=SceneConfig)
    structure: StructureConfig = field(default_factory=StructureConfig)
    neighbours: NeighboursConfig = field(default_factory=NeighboursConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
