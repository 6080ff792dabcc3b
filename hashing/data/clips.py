"""Training clips: the projected frames of all videos, and what a training batch holds of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from chainpipe.pipeline.console import format_size

from .augmentation_shifts import Shifts

NONE = -1
"""Stands in a table of video indices where a video has no further neighbour."""


@dataclass(frozen=True, slots=True, repr=False)
class Clips:
    """All training videos behind the fixed front.

    Attributes:
        frames: (B, T, M).
        means: Mean over the frames, (B, M).
        std: Standard deviation of each of the M numbers, (M,).
        scenes: Scene number of each frame, (B, T), or ``None`` when nothing needs them.
        candidates: Several frames of each segment, (B, T, C, M), where views are drawn from them.
        augmented: Augmented copies of the clips, (B, V, T, M), V at least 2, likewise.
        shifts: How augmentation moves frames, where views are moved so.
    """

    frames: Tensor
    means: Tensor
    std: Tensor
    scenes: Tensor | None = None
    candidates: Tensor | None = None
    augmented: Tensor | None = None
    shifts: Shifts | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        n, t, m = self.frames.shape
        return f"Clips({n} videos x {t} frames x {m})"

    @property
    def device(self) -> torch.device:
        """Where the frames are."""
        return self.frames.device

    @property
    def where(self) -> str:
        """Say where the frames are."""
        place = "in memory" if self.device.type == "cpu" else "on the GPU"
        return f"{format_size(self.frames.nbytes)} of training frames are {place}"

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield the frames of all videos in order, (n, T, M)."""
        yield from torch.split(self.frames, size)

    def gather(self, parts: Iterable[Tensor]) -> Tensor:
        """Join parts (n, X), a row a video."""
        return torch.cat([*parts])

    def with_scenes(self, scenes: Tensor) -> Clips:
        """Return the same videos with other scenes, (B, T)."""
        return replace(self, scenes=scenes)

    def prefetch(self, start: int, count: int) -> None:
        """Do nothing: all videos are here."""

    def batch(self, rows: Tensor, positive_indices: Tensor, neighbours: Tensor | None) -> Batch:
        """Return all videos, and the numbers as they are."""
        return Batch(self, rows, positive_indices, neighbours)


@dataclass(frozen=True, slots=True)
class Batch:
    """What an objective is called with.

    Attributes:
        clips: The batch's videos, perhaps among others.
        rows: Which of them the batch holds, (B,).
        positive_indices: Whose frames each second view shows, (B,).
        neighbours: Neighbours of every video, or ``None``.
    """

    clips: Clips
    rows: Tensor
    positive_indices: Tensor
    neighbours: Tensor | None
