"""Inputs of an additional loss of ConMH's objective, as BTH and S5VH define them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor, nn

ExtraLosses: TypeAlias = Mapping[str, tuple[nn.Module, float]]  # loss and weight, by name


@dataclass(frozen=True, slots=True)
class ConmhBatch:
    """A training batch.

    Attributes:
        codes: Codes of first views, then of second views, (2B, K).
        frames: Features of the whole videos, (B, T, D).
        whole: Returns the codes of the whole videos, (B, K), without gradient.
        progress: Fraction of the run's steps that are done, in [0, 1].
    """

    codes: Tensor
    frames: Tensor
    whole: Callable[[], Tensor]
    progress: float
