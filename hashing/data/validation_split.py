"""Which training videos are held out to watch the training: the same ones for every seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.store.base import FeatureStore

from .training_set import TrainingFrames, TrainingRows

LEAST, MOST = 16, 256  # fewer say nothing; more cost time and say little more


def validation_count(videos: int, fraction: float) -> int:
    """Return how many of B training videos are held out; 0 where they would be too few.

    >>> [validation_count(videos, 0.05) for videos in (100, 320, 1500, 45_585)]
    [0, 16, 75, 256]
    """
    count = min(round(fraction * videos), MOST, videos - 2)
    return count if count >= LEAST else 0


def validation_mask(ids: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.bool_]:
    """Choose the videos to hold out by what they are, not by where they stand.

    So every method, length and seed is watched by the same ones, and a few videos more or less in
    the store change few of them.

    Args:
        ids: Content ids, (B, 32).
        count: How many.

    Returns:
        Which are held out, (B,).
    """
    # Hashed once more: ids of published sets may be numbered.
    drawn = [hashlib.sha256(b"held out" + row.tobytes()).digest() for row in ids]
    chosen = np.zeros(len(ids), bool)
    chosen[sorted(range(len(ids)), key=drawn.__getitem__)[:count]] = True
    return chosen


@dataclass(frozen=True, slots=True)
class TrainValSplit:
    """The training videos of a run, parted.

    Attributes:
        training: Those that are trained on.
        validation: Those that watch, or ``None``.
        message: A line about it, or ``""``.
    """

    training: TrainingFrames
    validation: TrainingFrames | None = None
    message: str = ""

    @property
    def count(self) -> int:
        """How many are held out."""
        return 0 if self.validation is None else len(self.validation)


def split_training_videos(
    store: FeatureStore, chosen: TrainingRows, frames: TrainingFrames, config: Mapping[str, Any]
) -> TrainValSplit:
    """Part the training videos as a resolved config says; without epochs none are held out.

    Args:
        store: Where they are.
        chosen: Which they are.
        frames: All of them, returned as they are when none is held out.
        config: Nested plain values of a learned method, or nothing.
    """
    fraction = config["validation"]["fraction"] if config and config["optim"]["epochs"] else 0.0
    count = validation_count(len(chosen), fraction)
    if not count:
        return TrainValSplit(frames, message=_too_few(len(chosen), fraction) if fraction else "")
    mask = validation_mask(store.videos.ids[chosen.rows], count)
    training, validation = (frames.only(chosen.rows[which]) for which in (~mask, mask))
    return TrainValSplit(
        training, validation, f"{count} of them are held out to watch the training"
    )


def _too_few(videos: int, fraction: float) -> str:
    return (
        f"nothing is held out: {fraction:g} of {videos} videos is fewer than {LEAST} "
        "(validation.fraction)"
    )
