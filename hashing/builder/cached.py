"""The store's cached material, through the front and beside the clips."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashing.config import Config
from hashing.dataset import TrainingFrames
from hashing.front import Front
from hashing.needs import cached_material
from hashing.shifts import project_shifts
from hashing.views import Clips


def add_cached(config: Config, clips: Clips, frames: TrainingFrames, front: Front) -> Clips:
    """Return the clips with the candidates, copies and shifts that the config uses.

    Raises:
        UsageError: If the store lacks what the config asks for.
    """
    used = cached_material(config, frames)
    if used.candidates:
        clips = replace(clips, candidates=_projected(front, frames.candidates()))
    if used.copies:
        copies = _projected(front, frames.copies())
        if copies.shape[1] == 1:  # two views need two: the clean clip is the other one
            copies = torch.cat([copies, clips.frames[:, None]], dim=1)
        clips = replace(clips, copies=copies)
    measured = frames.augmentation() if used.shift else None
    if measured is not None:
        clips = replace(clips, shifts=project_shifts(measured, front.matrix))
    return clips


def _projected(front: Front, parts: Iterable[npt.NDArray[np.floating]]) -> Tensor:
    return torch.from_numpy(np.concatenate([front(part) for part in parts]))
