"""What training makes small: each task, with its switch and its weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .fields import Auto, about


@dataclass(frozen=True, slots=True)
class ContrastiveConfig:
    """Task 1: the two views of a video meet, others part [P]."""

    weight: float | Auto = field(
        default="auto", metadata=about("of this term; auto: less for few or still videos [I]")
    )
    warmup: float = field(
        default=0.0,
        metadata=about("share of the run in which the weight grows from 0 [I]", high=1.0),
    )
    temperature: float = field(
        default=0.3, metadata=about("divides the cosines; the peers use 0.5 [I]", low=1e-3)
    )
    tau_plus: float = field(
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
    warmup: float = field(
        default=0.0,
        metadata=about("share of the run in which the weight grows from 0 [I]", high=1.0),
    )
    num_frames: int | Auto = field(
        default="auto",
        metadata=about(
            "frames drawn from the video for the task; 0: all; auto: 8, if there are as many [I]",
            high=100_000,
        ),
    )
    shuffle_fraction: float = field(
        default=1.0,
        metadata=about(
            "share of the drawn frames that are mixed up; the others keep their slots [I]", high=1.0
        ),
    )
    label_std: float = field(
        default=1.0,
        metadata=about("the target is a bell over positions, this many frames wide [I]"),
    )


@dataclass(frozen=True, slots=True)
class SceneConfig:
    """Task 3: frames gather around the prototype of their own scene of the video [P]."""

    weight: float | Auto = field(
        default="auto", metadata=about("of this term; 0 switches the task off [I]")
    )
    warmup: float = field(
        default=0.0,
        metadata=about("share of the run in which the weight grows from 0 [I]", high=1.0),
    )
    num_clusters: int | Auto = field(
        default="auto",
        metadata=about(
            "scenes of a video at most; auto: 4, if there are as many frames [I]", low=1, high=64
        ),
    )
    update_every: int = field(
        default=0,
        metadata=about(
            "epochs between searches for scenes in the encoder's outputs; 0: by inputs, once [I]"
        ),
    )
    temperature: float = field(
        default=0.3,
        metadata=about("divides the cosines between frames and prototypes [I]", low=1e-3),
    )
    min_std: float = field(
        default=0.1,
        metadata=about("a video that varies less than this share of the average is one scene [I]"),
    )


@dataclass(frozen=True, slots=True)
class SimilarityPreservingConfig:
    """Videos that look alike to the backbone stay alike in their codes [ours]."""

    weight: float | Auto = field(
        default="auto", metadata=about("of this term; 0 switches it off [ours]")
    )
    warmup: float = field(
        default=0.0,
        metadata=about("share of the run in which the weight grows from 0 [ours]", high=1.0),
    )
    source: Literal["views", "videos"] = field(
        default="views",
        metadata=about("codes of each video's first view, or of whole videos, slower [ours]"),
    )
    loss: Literal["listwise", "squared"] = field(
        default="listwise",
        metadata=about("compare rankings as distributions, or cosines by their squares [ours]"),
    )
    target_temperature: float = field(
        default=0.15, metadata=about("listwise: temperature of the features [ours]", low=1e-3)
    )
    temperature: float = field(
        default=0.3, metadata=about("listwise: temperature of the codes [ours]", low=1e-3)
    )


@dataclass(frozen=True, slots=True)
class SwavConfig:
    """Prototypes across videos: a view's code tells the cluster of its partner's [ours]."""

    weight: float = field(default=0.0, metadata=about("of this term; 0 switches it off [ours]"))
    warmup: float = field(
        default=0.0,
        metadata=about("share of the run in which the weight grows from 0 [ours]", high=1.0),
    )
    num_prototypes: int = field(
        default=64, metadata=about("how many clusters of videos [ours]", low=2, high=65_536)
    )
    temperature: float = field(
        default=0.1, metadata=about("divides the cosines of the prediction [ours]", low=1e-3)
    )
    epsilon: float = field(
        default=0.05, metadata=about("divides the cosines of the assignment [ours]", low=1e-3)
    )
    iterations: int = field(
        default=3, metadata=about("how often clusters are made even in size [ours]", high=1000)
    )
