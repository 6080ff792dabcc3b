"""What the encoder is shown: the fixed front, and the views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .fields import Auto, about


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
    l2_normalize: bool = field(
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
    num_frames: int | Auto = field(
        default="auto",
        metadata=about(
            "frames of a view; auto: 4 or T/6 in halves, T/2 in segment and for lstm, else T/3 [I]",
            low=1,
            high=100_000,
        ),
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
    feature_dropout: float = field(
        default=0.2,
        metadata=about(
            "share of features hidden in all frames of a view; stands in for A2 [I]", high=0.95
        ),
    )
    frame_dropout: float = field(
        default=0.0, metadata=about("share of a view's frames that are hidden [I]", high=0.95)
    )
    temporal_jitter: int = field(
        default=0,
        metadata=about(
            "each frame of a view is taken from up to this many places away [I]", high=100_000
        ),
    )
    scene_mixup: float = field(
        default=0.0,
        metadata=about("most of another frame of the same scene that a frame takes [I]", high=1.0),
    )
    shift: float = field(
        default=0.0,
        metadata=about("shifts as real augmentation makes them; 1: as measured by stage one [I]"),
    )
    spatial: Literal["auto", "on", "off"] = field(
        default="auto",
        metadata=about(
            "frames from the store's augmented copies [P]; auto: where it has some, not in halves"
        ),
    )
    spatial_per_frame: bool = field(
        default=False,
        metadata=about("each frame from a copy of its own; off: a view from one copy [P]"),
    )
