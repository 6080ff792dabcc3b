"""Hold out training videos for validation: the same ones for every seed and method.

Most of them are single videos, and some a whole region: a video and those nearest to it. Content
like the region's is then in no training video, so the codes of its videos show how they treat new
content, without a label.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.store.base import FeatureStore

from .training_set import TrainingFrames, TrainingRows

LEAST, MOST = 16, 256  # fewer are too noisy; more cost time and change little


def validation_count(videos: int, fraction: float) -> int:
    """Return the number of validation videos; 0 if it would be below ``LEAST``.

    >>> [validation_count(videos, 0.05) for videos in (100, 320, 1500, 45_585)]
    [0, 16, 75, 256]
    """
    count = min(round(fraction * videos), MOST, videos - 2)
    return count if count >= LEAST else 0


def validation_mask(ids: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.bool_]:
    """Choose validation videos by the hash of their content ids.

    So every method, code length and seed is validated on the same videos, and adding or removing a
    few videos of the store changes few of them.

    Args:
        ids: Content ids, (N, 32).
        count: Number of validation videos.

    Returns:
        Mask of the validation videos, (N,).
    """
    # Hashed again: the ids of published feature sets may be consecutive numbers.
    drawn = [hashlib.sha256(b"held out" + row.tobytes()).digest() for row in ids]
    chosen = np.zeros(len(ids), bool)
    chosen[sorted(range(len(ids)), key=drawn.__getitem__)[:count]] = True
    return chosen


def region_mask(
    frames: TrainingFrames, centre: int, count: int, free: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Choose a video and those nearest to it by mean features, as a mask (N,).

    Args:
        frames: The training videos.
        centre: Index of the video.
        count: Number of videos.
        free: Videos that may be chosen, (N,); the centre is one of them.
    """
    mean = frames.mean_of(centre)
    # A distance a video: the means of a large store need not fit in memory.
    distances = np.concatenate(
        [
            np.square(part.mean(axis=1, dtype=np.float32) - mean).sum(axis=1)
            for part in frames.videos()
        ]
    )
    nearest = np.argsort(np.where(free, distances, np.inf), kind="stable")[:count]
    mask = np.zeros(len(distances), bool)
    mask[nearest] = True
    return mask


@dataclass(frozen=True, slots=True)
class TrainValSplit:
    """Training and validation videos of a run.

    Attributes:
        training: Videos to train on.
        validation: Validation videos, or ``None``.
        message: One line for the user, or ``""``.
    """

    training: TrainingFrames
    validation: TrainingFrames | None = None
    message: str = ""

    @property
    def count(self) -> int:
        """Number of validation videos."""
        return 0 if self.validation is None else len(self.validation)


def split_training_videos(
    store: FeatureStore, chosen: TrainingRows, frames: TrainingFrames, config: Mapping[str, Any]
) -> TrainValSplit:
    """Split the training videos by a resolved config; without epochs none are held out.

    Args:
        store: Store of the videos.
        chosen: Rows of the training set.
        frames: Features of these rows; returned unchanged if none are held out.
        config: Nested plain values of the config of a learned method; may be empty.
    """
    fraction = config["validation"]["fraction"] if config and config["optim"]["epochs"] else 0.0
    count = validation_count(len(chosen), fraction)
    if not count:
        return TrainValSplit(frames, message=_too_few(len(chosen), fraction) if fraction else "")
    ids = store.videos.ids[chosen.rows]
    near = round(count * config["validation"].get("region", 0.0))
    single = validation_mask(ids, count - near)
    region = np.zeros(len(ids), bool)
    if near:
        # The next video by hash is the centre: it does not depend on seed, method or code length.
        centre = int(np.flatnonzero(validation_mask(ids, count - near + 1) & ~single)[0])
        region = region_mask(frames, centre, near, ~single)
    mask = single | region
    training = frames.only(chosen.rows[~mask])
    validation = frames.only(chosen.rows[mask], region=region[mask] if near else None)
    message = f"{count} of them are held out for validation"
    if near:
        message += f", {near} of which are one region of the content"
    return TrainValSplit(training, validation, message)


def _too_few(videos: int, fraction: float) -> str:
    return (
        f"no validation: {fraction:g} of {videos} videos is fewer than {LEAST} "
        "(validation.fraction)"
    )
