"""Training clips: the frames of all training videos after PCA whitening, and their batches.

The batch size is B and the number of training videos N.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from chainpipe.pipeline.console import format_size

from .augmentation_shifts import Shifts

NONE = -1
"""Padding of a table of video indices where a video has fewer neighbours."""


@dataclass(frozen=True, slots=True, repr=False)
class Clips:
    """All training videos after PCA whitening, in memory.

    Attributes:
        frames: Frames, (N, T, M).
        means: Mean over the frames, (N, M).
        std: Standard deviation of each feature, (M,).
        scenes: Scene index of each frame, (N, T), or ``None`` if no loss needs it.
        candidates: Candidate frames of each segment, (N, T, C, M), if views are drawn from them.
        augmented: Augmented views of the clips, (N, V, T, M), V at least 2, likewise.
        shifts: Distribution of feature shifts, if views are augmented by it.
        region: Validation videos of content that is in no training video, (N,) bool.
    """

    frames: Tensor
    means: Tensor
    std: Tensor
    scenes: Tensor | None = None
    candidates: Tensor | None = None
    augmented: Tensor | None = None
    shifts: Shifts | None = None
    region: Tensor | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        n, t, m = self.frames.shape
        return f"Clips({n} videos x {t} frames x {m})"

    @property
    def device(self) -> torch.device:
        """Device of the frames."""
        return self.frames.device

    @property
    def where(self) -> str:
        """Size and place of the frames, for a message."""
        place = "in memory" if self.device.type == "cpu" else "on the GPU"
        return f"{format_size(self.frames.nbytes)} of training frames are {place}"

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield the frames of all videos in order, at most ``size`` videos at once, (n, T, M)."""
        yield from torch.split(self.frames, size)

    def gather(self, parts: Iterable[Tensor]) -> Tensor:
        """Concatenate parts (n, X) to one row a video, (N, X)."""
        return torch.cat([*parts])

    def with_scenes(self, scenes: Tensor) -> Clips:
        """Return the same videos with other scenes, (N, T)."""
        return replace(self, scenes=scenes)

    def prefetch(self, start: int, count: int) -> None:
        """Do nothing: all frames are in memory."""

    def batch(self, rows: Tensor, positive_indices: Tensor, neighbours: Tensor | None) -> Batch:
        """Return a batch that refers to all videos by their indices in the training set."""
        return Batch(self, rows, positive_indices, neighbours)


@dataclass(frozen=True, slots=True)
class Batch:
    """Arguments of an objective for one step.

    Attributes:
        clips: Videos that contain those of the batch.
        rows: Indices of the batch's videos in ``clips``, (B,).
        positive_indices: Index of the video that each second view is drawn from, (B,).
        neighbours: Neighbours of every video of ``clips``, or ``None``.
    """

    clips: Clips
    rows: Tensor
    positive_indices: Tensor
    neighbours: Tensor | None
