"""Interface of a loss: the inputs of one training step in, a scalar and its metrics out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from ..data.clips import Clips
from ..models.hash_model import HashOutput
from ..views.view_maker import Views

Measures = dict[str, Tensor]


class StepNetwork(Protocol):
    """Forward interface of a training step: a ``HashModel``, or a wrapper of one."""

    def __call__(self, clips: Tensor, frame_mask: Tensor | None = None, /) -> HashOutput:
        """Hash projected clips (B, T, M); ``frame_mask`` (B, T) masks padding."""
        ...

    @property
    def encoder(self) -> Callable[[Tensor], Tensor]:
        """The temporal encoder: clips (B, T, M) to encoded frames (B, T, H)."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """Inputs of a loss in one training step.

    Attributes:
        model: The network.
        clips: All training videos.
        views: The two views of each of the B videos.
        output: Output of the network for the 2B views.
        rows: Video indices of the batch, (B,).
        neighbours: Neighbours of every video, (N, k), or ``None``.
        generator: Random number generator of the step.
    """

    model: StepNetwork
    clips: Clips
    views: Views
    output: HashOutput
    rows: Tensor
    neighbours: Tensor | None
    generator: torch.Generator


@dataclass(frozen=True, slots=True)
class LossContext:
    """Sizes of the run that a loss is built for.

    Attributes:
        bits: K, the length of a code.
        hidden_dim: H, hidden size of the encoder's output.
        dim: M, dimensions of the encoder's input.
        num_frames: T, frames of a training video.
    """

    bits: int
    hidden_dim: int
    dim: int
    num_frames: int


class Loss(Protocol):
    """One loss term of the objective: a ``torch.nn.Module``, which may have a head."""

    @classmethod
    def from_config(cls, config: Any, context: LossContext) -> Self:
        """Build the loss from its config section; the run seeds its initial weights."""
        ...

    def __call__(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the unweighted loss, a scalar, and metrics by name."""
        ...
