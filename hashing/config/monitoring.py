"""Config of validation during training."""

from __future__ import annotations

from dataclasses import dataclass, field

from .fields import Auto, about


@dataclass(frozen=True, slots=True)
class ValidationConfig:
    """Label-free validation on held-out training videos: the paper's failure signatures [I]."""

    fraction: float = field(
        default=0.05,
        metadata=about(
            "fraction of the training videos held out; at most 256, 0 if fewer than 16 [I]",
            high=0.5,
        ),
    )
    region: float = field(
        default=0.25,
        metadata=about(
            "fraction of these that are one whole region: a video and those nearest to it [ours]",
            high=1.0,
        ),
    )
    every: int | Auto = field(
        default="auto",
        metadata=about("epochs between two validations; auto: ten validations a run [I]", low=1),
    )
    stop_on_failure: bool = field(
        default=False,
        metadata=about("stop at a failure signature; false: only warn [I]"),
    )
