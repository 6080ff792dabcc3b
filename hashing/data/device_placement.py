"""Choose where training features live (GPU, RAM, disk) by size."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from .clips import Clips
from .disk_array import DiskArray
from .streamed_clips import InMemoryArray, StoredClips, TrainingClips

GPU_FRACTION = 0.5  # of a GPU's free memory, at most, for training features
_CHUNK = 512  # videos copied at once


def place_clips(clips: TrainingClips, device: torch.device) -> TrainingClips:
    """Move the clips to the training device, or arrange to copy batches if they do not fit."""
    parts = {item.name: getattr(clips, item.name) for item in fields(clips)}
    parts.pop("worker", None)
    if device.type == "cpu":
        return clips
    size = sum(part.nbytes for part in parts.values() if isinstance(part, Tensor | DiskArray))
    free, _ = torch.cuda.mem_get_info(device)
    return move_clips(clips, device) if size <= GPU_FRACTION * free else keep_on_host(clips, device)


def move_clips(clips: TrainingClips, device: torch.device) -> Clips:
    """Copy all clips to a device."""
    names = [item.name for item in fields(Clips)]
    return Clips(**{name: _to_device(getattr(clips, name, None), device) for name in names})


def keep_on_host(clips: TrainingClips, device: torch.device) -> StoredClips:
    """Keep the clips in host memory or on disk, and copy only batches to the device."""
    small = {name: _to_device(getattr(clips, name), device) for name in ("std", "shifts")}
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


def _to_device(part: Any, device: torch.device) -> Any:
    if not isinstance(part, DiskArray):
        return None if part is None else part.to(device)
    # In chunks: the array was put on disk because it does not fit in host memory.
    copied = torch.empty(part.shape, device=device)
    for target, rows in zip(torch.split(copied, _CHUNK), part.split(_CHUNK), strict=True):
        target.copy_(rows)
    return copied
