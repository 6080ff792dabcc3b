"""What a task is: one training step's material in, a loss and some measures out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from hashing.model import Hashed, HashModel
from hashing.views import Clips, Views

Measures = dict[str, Tensor]


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

    model: HashModel
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
