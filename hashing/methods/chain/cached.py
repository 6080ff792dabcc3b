"""Cached features of the store (candidates, augmented views, shifts), projected by the PCA."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...config import Config
from ...data.augmentation_shifts import project_shifts
from ...data.clips import Clips
from ...data.requirements import cached_material
from ...data.streamed_clips import StoredClips
from ...data.training_set import TrainingFrames
from ...models.pca_whitening import PcaWhitening

AnyClips = TypeVar("AnyClips", Clips, StoredClips)


def add_cached(
    config: Config, clips: AnyClips, frames: TrainingFrames, pca: PcaWhitening
) -> AnyClips:
    """Return the clips with the candidates, augmented views and shifts that the config uses.

    Raises:
        UsageError: If the store lacks what the config asks for.
    """
    used = cached_material(config, frames)
    keep = _in_memory if isinstance(clips, Clips) else frames.to_disk
    more: dict[str, Any] = {}
    if used.candidates:
        more["candidates"] = keep((pca(part) for part in frames.candidates()), name="candidates")
    if used.augmented:
        more["augmented"] = keep(_two_or_more(frames, pca), name="augmented")
    measured = frames.augmentation() if used.shift else None
    if measured is not None:
        more["shifts"] = project_shifts(measured, pca.matrix)
    return replace(clips, **more)


def cached_elements(config: Config, frames: TrainingFrames) -> int:
    """Return the size of a video's cached features as a multiple of its clip."""
    used = cached_material(config, frames)
    return used.candidates * frames.meta.per_segment + used.augmented * max(2, frames.meta.views)


def _two_or_more(frames: TrainingFrames, pca: PcaWhitening) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the augmented views, (n, V, T, M); a single one is paired with the clean clip."""
    for augmented, clean in zip(frames.augmented(), frames.videos(), strict=True):
        projected = pca(augmented)
        yield (
            projected if projected.shape[1] > 1 else np.stack([projected[:, 0], pca(clean)], axis=1)
        )


def _in_memory(parts: Iterable[npt.NDArray[np.float32]], *, name: str) -> Tensor:
    return torch.from_numpy(np.concatenate([*parts]))
