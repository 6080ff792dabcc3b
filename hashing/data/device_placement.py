"""Where the training videos lie while they are trained on: picked by their size."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from .clips import Clips
from .disk_array import DiskArray
from .streamed_clips import InMemoryArray, StoredClips, TrainingClips

GPU_FRACTION = 0.5  # of a GPU's free memory that the training videos may take
_CHUNK = 512  # videos copied at once


def place_clips(clips: TrainingClips, device: torch.device) -> TrainingClips:
    """Bring the clips to the device that trains; on a GPU that is too small, batch by batch."""
    parts = {item.name: getattr(clips, item.name) for item in fields(clips)}
    parts.pop("worker", None)
    if device.type == "cpu":
        return clips
    size = sum(part.nbytes for part in parts.values() if isinstance(part, Tensor | DiskArray))
    free, _ = torch.cuda.mem_get_info(device)
    return moved(clips, device) if size <= GPU_FRACTION * free else keep_on_host(clips, device)


def moved(clips: TrainingClips, device: torch.device) -> Clips:
    """Bring all of the clips to a device."""
    names = [item.name for item in fields(Clips)]
    return Clips(**{name: _moved(getattr(clips, name), device) for name in names})


def keep_on_host(clips: TrainingClips, device: torch.device) -> StoredClips:
    """Leave the clips where they are, and let only batches come to the device."""
    small = {name: _moved(getattr(clips, name), device) for name in ("std", "shifts")}
    if isinstance(clips, StoredClips):
        return replace(clips, **small, worker=device)
    candidates, augmented = (
        None if part is None else InMemoryArray(part)
        for part in (clips.candidates, clips.augmented)
    )
    return StoredClips(
        InMemoryArray(clips.frames),
        InMemoryArray(clips.means),
        scenes=clips.scenes,
        candidates=candidates,
        augmented=augmented,
        worker=device,
        **small,
    )


def _moved(part: Any, device: torch.device) -> Any:
    if not isinstance(part, DiskArray):
        return None if part is None else part.to(device)
    moved = torch.empty(part.shape, device=device)
    for target, rows in zip(torch.split(moved, _CHUNK), part.split(_CHUNK), strict=True):
        target.copy_(rows)
    return moved
