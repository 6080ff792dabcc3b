"""What a task is: one training step's material in, a loss and some measures out."""

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
    """What runs in a step: a ``HashModel``, or stands before it."""

    def __call__(self, clips: Tensor, frame_mask: Tensor | None = None, /) -> HashOutput:
        """Hash clips (B, T, M) that went through the front; ``frame_mask`` (B, T) masks padding."""
        ...

    @property
    def encoder(self) -> Callable[[Tensor], Tensor]:
        """From clips (B, T, M) to encoded frames (B, T, H)."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """Everything a task may look at in one training step.

    Attributes:
        model: The network.
        clips: All training videos.
        views: The two views of each of the B videos.
        output: What the network made of the 2B views.
        rows: Which videos the batch holds, (B,).
        neighbours: Neighbours of every video, (N, k), or ``None``.
        generator: Source of chance.
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
    """What a loss may know of the run that it is built for.

    Attributes:
        bits: K, the length of a code.
        hidden_dim: H, numbers of an encoded frame.
        dim: M, numbers of a frame that the encoder reads.
        num_frames: T, frames of a training video.
    """

    bits: int
    hidden_dim: int
    dim: int
    num_frames: int


class Loss(Protocol):
    """One term of the objective; a ``torch.nn.Module``, which may hold a head."""

    @classmethod
    def from_config(cls, config: Any, context: LossContext) -> Self:
        """Build the loss from its section; weights that it draws are seeded by the run."""
        ...

    def __call__(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the unweighted loss, and measures by name."""
        ...
