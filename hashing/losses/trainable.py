"""Interface of an objective that the trainer can optimize."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from ..data.clips import Clips
from ..models.hash_model import HashOutput


class Trainable(Protocol):
    """A module whose output is minimized: a ``torch.nn.Module`` that is called with a batch."""

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
        """Return the loss of a batch, a scalar, and metrics by name, the loss as ``loss``.

        Args:
            clips: All training videos.
            rows: Video indices of the batch, (B,).
            positive_indices: Index of the video that gives each second view, (B,).
            neighbours: Neighbours of every video, (N, k), or ``None``.
            generator: Random number generator of the step.
            progress: Fraction of the steps that are done, for schedules.
        """
        ...

    def train(self) -> object:
        """Switch to training mode (dropout on)."""
        ...

    def eval(self) -> object:
        """Switch to evaluation mode (dropout off)."""
        ...

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """Iterate over the trained parameters."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return all weights and buffers."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> object:
        """Load all weights and buffers."""
        ...
