"""What the trainer can train: any method's objective, by its shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from ..data.clips import Clips
from ..models.hash_model import HashOutput


class Trainable(Protocol):
    """What the trainer can make small: a ``torch.nn.Module`` that is called with a batch."""

    @property
    def model(self) -> Callable[[Tensor], HashOutput]:
        """The network that hashes whole clips (B, T, M)."""
        ...

    def __call__(
        self,
        clips: Clips,
        *,
        rows: Tensor,
        positive_indices: Tensor,
        neighbours: Tensor | None,
        generator: torch.Generator,
        progress: float,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch, and it as ``loss`` with every other measure by name.

        Args:
            clips: All training videos.
            rows: Which videos the batch holds, (B,).
            positive_indices: Whose frames may stand in for each video's second view, (B,).
            neighbours: Neighbours of every video, (N, k), or ``None``.
            generator: Source of chance.
            progress: Share of the steps that are done, for what changes over a run.
        """
        ...

    def train(self) -> object:
        """Switch dropout on."""
        ...

    def eval(self) -> object:
        """Switch dropout off."""
        ...

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """Iterate over everything that is trained."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return all weights and buffers."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> object:
        """Take all weights and buffers."""
        ...
