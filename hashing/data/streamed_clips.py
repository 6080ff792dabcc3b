"""Training clips that are copied to the training device batch by batch.

Their frames are stored in a file, or in host memory if the GPU is too small for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from chainpipe.pipeline.console import format_size

from .augmentation_shifts import Shifts
from .clips import NONE, Batch, Clips
from .disk_array import DiskArray, Splittable, write_disk_array


class InMemoryArray:
    """Interface of ``DiskArray`` for a tensor (N, ...) in memory."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor, self.shape, self.nbytes = tensor, tuple(tensor.shape), tensor.nbytes

    def __len__(self) -> int:
        return len(self._tensor)

    def take(self, indices: Tensor) -> Tensor:
        """Return the rows at ``indices`` (n,), (n, ...)."""
        return self._tensor[indices]

    def split(self, split_size: int) -> Iterator[Tensor]:
        """Yield all rows in order, ``split_size`` at once."""
        yield from torch.split(self._tensor, split_size)


Rows = DiskArray | InMemoryArray


@dataclass(frozen=True, slots=True, repr=False)
class StoredClips:
    """All training videos after PCA whitening, on disk or in host memory.

    Attributes:
        frames: Frames, (N, T, M).
        means: Mean over the frames, (N, M).
        std: Standard deviation of each feature, (M,), on ``worker``.
        scenes: Scene index of each frame, (N, T), or ``None``.
        candidates: Candidate frames of each segment, (N, T, C, M), or ``None``.
        augmented: Augmented views of the clips, (N, V, T, M), or ``None``.
        shifts: Distribution of feature shifts, on ``worker``, or ``None``.
        worker: Device that trains: batches are copied to it.
    """

    frames: Rows
    means: Rows
    std: Tensor
    scenes: Tensor | None = None
    candidates: Rows | None = None
    augmented: Rows | None = None
    shifts: Shifts | None = None
    worker: torch.device = torch.device("cpu")  # noqa: RUF009 - a device never changes

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        n, t, m = self.frames.shape
        return f"StoredClips({n} videos x {t} frames x {m})"

    @property
    def device(self) -> torch.device:
        """Device of tables of video indices."""
        return torch.device("cpu")

    @property
    def where(self) -> str:
        """Size and place of the frames, for a message."""
        size = format_size(self.frames.nbytes)
        place = "a file" if isinstance(self.frames, DiskArray) else "memory"
        return f"{size} of training frames are in {place}, taken a batch at a time"

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield the frames of all videos in order, at most ``size`` videos at once, (n, T, M)."""
        for part in self.frames.split(size):
            yield part.to(self.worker)

    def gather(self, parts: Iterable[Tensor]) -> Splittable:
        """Concatenate parts (n, X) to (N, X), on disk if the frames are on disk."""
        if isinstance(self.frames, InMemoryArray):
            return torch.cat([part.cpu() for part in parts])
        arrays = (part.cpu().numpy() for part in parts)
        return write_disk_array(arrays, len(self), folder=None)

    def with_scenes(self, scenes: Tensor) -> StoredClips:
        """Return the same videos with other scenes, (N, T)."""
        return replace(self, scenes=scenes)

    def prefetch(self, start: int, count: int) -> None:
        """Start reading the frames of ``count`` videos from ``start`` on into the page cache."""
        if isinstance(self.frames, DiskArray):
            self.frames.prefetch(start, count)

    def batch(self, rows: Tensor, positive_indices: Tensor, neighbours: Tensor | None) -> Batch:
        """Read the videos of a batch, with indices from 0.

        Args:
            rows: Video indices, (B,).
            positive_indices: Video indices, (B,).
            neighbours: Neighbours of every video, (N, k), or ``None``.
        """
        indices, positions = torch.unique(torch.cat([rows, positive_indices]), return_inverse=True)
        clips = self._of(indices)
        near = None if neighbours is None else _renumbered(neighbours[indices], indices)
        first, second = positions.to(self.worker).chunk(2)
        return Batch(clips, first, second, None if near is None else near.to(self.worker))

    def _of(self, indices: Tensor) -> Clips:
        """Read the videos at ``indices`` (n,) to the training device."""
        frames = self.frames.take(indices).to(self.worker)
        scenes = None if self.scenes is None else self.scenes[indices].to(self.worker)
        candidates, augmented = (
            None if part is None else part.take(indices).to(self.worker)
            for part in (self.candidates, self.augmented)
        )
        means = frames.mean(dim=1)
        return Clips(frames, means, self.std, scenes, candidates, augmented, self.shifts)


TrainingClips = Clips | StoredClips
"""All training videos, wherever their frames are stored."""


def _renumbered(table: Tensor, indices: Tensor) -> Tensor:
    """Replace video indices by their positions in ascending ``indices``; -1 where missing.

    >>> _renumbered(torch.tensor([[7, 2], [5, -1]]), torch.tensor([2, 7]))
    tensor([[ 1,  0],
            [-1, -1]])
    """
    positions = torch.searchsorted(indices, table).clamp(max=len(indices) - 1)
    return positions.masked_fill(indices[positions] != table, NONE)
