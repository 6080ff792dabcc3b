"""Training videos that come to where they are trained on a batch at a time.

Their frames lie in a file, or in the memory of a machine whose GPU is too small for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..mining.nearest_neighbours import NONE
from ..runtime.units import shown_size
from ..views.view_maker import Batch, Clips
from .augmentation_shifts import Shifts
from .disk_array import DiskRows, Splittable, write_rows


class HeldRows:
    """What ``DiskRows`` is, around a tensor (N, ...)."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor, self.shape, self.nbytes = tensor, tuple(tensor.shape), tensor.nbytes

    def __len__(self) -> int:
        return len(self._tensor)

    def take(self, numbers: Tensor) -> Tensor:
        """Return some rows, (n, ...)."""
        return self._tensor[numbers]

    def split(self, split_size: int) -> Iterator[Tensor]:
        """Yield all rows in order, so many at once."""
        yield from torch.split(self._tensor, split_size)


Rows = DiskRows | HeldRows


@dataclass(frozen=True, slots=True, repr=False)
class StoredClips:
    """What ``Clips`` is, a batch at a time.

    Attributes:
        frames: (N, T, M).
        means: Mean over the frames, (N, M).
        spread: Standard deviation of each of the M numbers, (M,).
        scenes: Scene number of each frame, (N, T), or ``None``.
        candidates: (N, T, C, M), or ``None``.
        copies: (N, V, T, M), or ``None``.
        shifts: How augmentation moves frames, or ``None``.
        worker: Where batches are needed.
    """

    frames: Rows
    means: Rows
    spread: Tensor
    scenes: Tensor | None = None
    candidates: Rows | None = None
    copies: Rows | None = None
    shifts: Shifts | None = None
    worker: torch.device = torch.device("cpu")  # noqa: RUF009 - a device never changes

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        n, t, m = self.frames.shape
        return f"StoredClips({n} videos x {t} frames x {m})"

    @property
    def device(self) -> torch.device:
        """Where tables of video numbers are kept."""
        return torch.device("cpu")

    @property
    def where(self) -> str:
        """Say where the frames are."""
        size = shown_size(self.frames.nbytes)
        place = "a file" if isinstance(self.frames, DiskRows) else "memory"
        return f"{size} of training frames are in {place}, taken a batch at a time"

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield the frames of all videos in order, (n, T, M)."""
        for part in self.frames.split(size):
            yield part.to(self.worker)

    def gather(self, parts: Iterable[Tensor]) -> Splittable:
        """Join parts (n, X), a row a video: in a file if the frames are in one."""
        if isinstance(self.frames, HeldRows):
            return torch.cat([part.cpu() for part in parts])
        arrays = (part.cpu().numpy() for part in parts)
        return write_rows(arrays, len(self), folder=None)

    def with_scenes(self, scenes: Tensor) -> StoredClips:
        """Return the same videos with other scenes, (N, T)."""
        return replace(self, scenes=scenes)

    def announce(self, start: int, count: int) -> None:
        """Tell the system which videos' frames will be read soon."""
        if isinstance(self.frames, DiskRows):
            self.frames.announce(start, count)

    def batch(self, rows: Tensor, partners: Tensor, neighbours: Tensor | None) -> Batch:
        """Read the videos of a batch, renumbered from 0.

        Args:
            rows: Video numbers, (B,).
            partners: Video numbers, (B,).
            neighbours: Of every video, (N, k), or ``None``.
        """
        numbers, places = torch.unique(torch.cat([rows, partners]), return_inverse=True)
        clips = self._of(numbers)
        near = None if neighbours is None else _renumbered(neighbours[numbers], numbers)
        first, second = places.to(self.worker).chunk(2)
        return Batch(clips, first, second, None if near is None else near.to(self.worker))

    def _of(self, numbers: Tensor) -> Clips:
        """Return some videos, in memory."""
        frames = self.frames.take(numbers).to(self.worker)
        scenes = None if self.scenes is None else self.scenes[numbers].to(self.worker)
        candidates, copies = (
            None if part is None else part.take(numbers).to(self.worker)
            for part in (self.candidates, self.copies)
        )
        means = frames.mean(dim=1)
        return Clips(frames, means, self.spread, scenes, candidates, copies, self.shifts)


def _renumbered(table: Tensor, numbers: Tensor) -> Tensor:
    """Replace video numbers by their places in ascending ``numbers``; -1 where they are not in it.

    >>> _renumbered(torch.tensor([[7, 2], [5, -1]]), torch.tensor([2, 7]))
    tensor([[ 1,  0],
            [-1, -1]])
    """
    places = torch.searchsorted(numbers, table).clamp(max=len(numbers) - 1)
    return places.masked_fill(numbers[places] != table, NONE)
