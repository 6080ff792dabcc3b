"""What a further term of the objective, a rival's, may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor, nn

ExtraLosses: TypeAlias = Mapping[str, tuple[nn.Module, float]]  # and the weight of each, by name


@dataclass(frozen=True, slots=True)
class ConmhBatch:
    """A batch in training.

    Attributes:
        codes: Of first views, then of second views, (2B, K).
        frames: Of the whole videos, (B, T, D).
        whole: Returns the codes of the whole videos, (B, K), without gradient.
        progress: Share of the run's steps that are done, in [0, 1].
    """

    codes: Tensor
    frames: Tensor
    whole: Callable[[], Tensor]
    progress: float
