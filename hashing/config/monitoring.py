"""How training is watched: by training videos that are held out of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .fields import Auto, about


@dataclass(frozen=True, slots=True)
class ValidationConfig:
    """Training videos held out to watch for the paper's failure signatures, without labels [I]."""

    fraction: float = field(
        default=0.05,
        metadata=about(
            "of the training videos, held out; at most 256, none if fewer than 16; 0: none [I]",
            high=0.5,
        ),
    )
    every: int | Auto = field(
        default="auto",
        metadata=about("epochs between two looks; auto: ten looks a run [I]", low=1),
    )
    stop_on_failure: bool = field(
        default=False,
        metadata=about("stop at a failure signature; off: only warn of it [I]"),
    )
