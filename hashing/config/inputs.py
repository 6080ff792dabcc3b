"""Config of the encoder's input: PCA whitening and views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .fields import Auto, about


@dataclass(frozen=True, slots=True)
class InputConfig:
    """PCA whitening of the stored features, fixed before training."""

    dims: int = field(
        default=256,
        metadata=about("number of principal components kept [I]", low=1, high=4096),
    )
    whitening: float = field(
        default=0.0,
        metadata=about(
            "components are scaled by eigenvalue^-whitening; 0: PCA only, 0.5: full [ours]",
            high=0.5,
        ),
    )
    within_whitening: float | Auto = field(
        default="auto",
        metadata=about(
            "within-class covariance normalization (WCCN), each video its own class: features are "
            "multiplied by (within-video covariance)^-within_whitening before PCA, so that what "
            "changes inside videos counts less; 0: off; auto: 0.25 where views are fully trusted "
            "and hash.summary is mean [ours]",
            high=0.5,
        ),
    )
    within_shrinkage: float = field(
        default=0.3,
        metadata=about(
            "fraction of the mean within-video variance added to each direction's first [ours]",
            low=1e-3,
            high=1e3,
        ),
    )
    l2_normalize: bool = field(
        default=False, metadata=about("L2-normalize each frame's feature first [I]")
    )


@dataclass(frozen=True, slots=True)
class ViewsConfig:
    """Sampling and augmentation of the two views of a video."""

    mode: Literal["halves", "segment", "random", "consecutive"] = field(
        default="halves",
        metadata=about(
            "halves: a window in each half [ours]; segment: one frame of each segment [P]"
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
            "halves only: frames of the window of a view; auto: T/3 [ours]", low=1, high=100_000
        ),
    )
    noise: float = field(
        default=0.5,
        metadata=about(
            "Gaussian noise common to a view's frames, in std of each feature; replaces A2 [I]"
        ),
    )
    feature_dropout: float = field(
        default=0.2,
        metadata=about(
            "fraction of features set to zero in all frames of a view; replaces A2 [I]", high=0.95
        ),
    )
    frame_dropout: float = field(
        default=0.0, metadata=about("fraction of a view's frames that are masked [I]", high=0.95)
    )
    temporal_jitter: int = field(
        default=0,
        metadata=about("maximum offset of each frame of a view, in frames [I]", high=100_000),
    )
    scene_mixup: float = field(
        default=0.0,
        metadata=about("maximum mixup weight of another frame of the same scene [I]", high=1.0),
    )
    shift: float = field(
        default=0.0,
        metadata=about(
            "scale of random feature shifts; 1: as augmentation measured in stage one [I]"
        ),
    )
    spatial: Literal["auto", "on", "off"] = field(
        default="auto",
        metadata=about(
            "use the store's augmented views [P]; auto: if stored, and mode is not halves"
        ),
    )
    spatial_per_frame: bool = field(
        default=False,
        metadata=about(
            "draw an augmented view for each frame; false: one for all frames of a view [P]"
        ),
    )
