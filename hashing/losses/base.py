"""What a task is: one training step's material in, a loss and some measures out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..models.hash_model import Hashed
from ..views.view_maker import Clips, Views

Measures = dict[str, Tensor]


class Network(Protocol):
    """What runs in a step: a ``HashModel``, or stands before it."""

    def __call__(self, clips: Tensor, shown: Tensor | None = None, /) -> Hashed:
        """Hash clips (B, T, M) that went through the front; ``shown`` (B, T) masks padding."""
        ...

    @property
    def encoder(self) -> Callable[[Tensor], Tensor]:
        """From clips (B, T, M) to encoded frames (B, T, W)."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """Everything a task may look at in one training step.

    Attributes:
        model: The network.
        clips: All training videos.
        views: The two views of each of the B videos.
        hashed: What the network made of the 2B views.
        rows: Which videos the batch holds, (B,).
        neighbours: Neighbours of every video, (N, k), or ``None``.
        generator: Source of chance.
    """

    model: Network
    clips: Clips
    views: Views
    hashed: Hashed
    rows: Tensor
    neighbours: Tensor | None
    generator: torch.Generator


class Task(Protocol):
    """One term of the objective; a ``torch.nn.Module``, which may hold a head."""

    def __call__(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the unweighted loss, and measures by name."""
        ...
