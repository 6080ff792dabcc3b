"""Features of a video encoder: the F frames of each segment make one feature."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..records import Frames
from .extraction_spec import ExtractionSpec

Features = npt.NDArray[np.float32]


def shown_frames(count: int, frames_per_feature: int) -> npt.NDArray[np.int64]:
    """Return which of the read frames stand for the segments: the middle one of each.

    Args:
        count: T F, how many frames were read.
        frames_per_feature: F; of an even number the later of the two in the middle counts.

    Returns:
        Places among the read frames, (T,).

    Example:
        >>> shown_frames(12, 4).tolist(), shown_frames(3, 1).tolist()
        ([2, 6, 10], [0, 1, 2])
    """
    return np.arange(frames_per_feature // 2, count, frames_per_feature, dtype=np.int64)


def embed_segments(frames: Frames, spec: ExtractionSpec) -> tuple[Features, Features | None]:
    """Return the features of a clip's segments (T, D), and of its views (V, T, D).

    Args:
        frames: T F frames in presentation order, F of each segment.
        spec: Of a video encoder.
    """
    clip, views = frames.pixels, frames.views
    if views is None:
        return spec.embed(clip), None
    found = spec.embed(np.concatenate([clip, views.reshape(-1, *clip.shape[1:])]))
    t = len(clip) // spec.frames_per_feature
    return found[:t], found[t:].reshape(len(views), t, -1)
