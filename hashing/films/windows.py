"""Windows: the mean feature of a few seconds of a video, every half second."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..matching.lines import step_of
from ..matching.records import F32, F64, FrameSequence
from ..matching.space import unit
from ..retrieval.hamming import Rows

LENGTH = 2.0  # seconds of a window
STEP = 0.5  # seconds between the starts of two


class Windows(NamedTuple):
    """The windows of one video.

    Attributes:
        vectors: Mean features, of length 1, (W, M).
        starts: First second of each, (W,).
        length: Seconds of each.
    """

    vectors: F32
    starts: F64
    length: float


def windows_of(video: FrameSequence, *, length: float = LENGTH, step: float = STEP) -> Windows:
    """Return the windows of a video, at least one.

    Where frames are further apart than that, a window is as long as the gap between two frames.

    Args:
        video: Its features projected, (T, M).
        length: Seconds of a window.
        step: Seconds between the starts of two.

    Example:
        >>> frames = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
        >>> video = FrameSequence(frames, np.array([0.5, 1.5, 2.5]), 3.0)
        >>> windows_of(video, length=2.0, step=1.0).vectors.round(2).tolist()
        [[1.0, 0.0], [0.7099999785423279, 0.7099999785423279]]
    """
    gap = step_of(video)
    length, step = max(length, gap), max(step, gap)
    starts, first, after = spans_of(video.seconds, video.duration, length, step)
    sums = np.zeros((len(video.features) + 1, video.features.shape[1]))
    np.cumsum(video.features, axis=0, dtype=np.float64, out=sums[1:])
    return Windows(unit(sums[after] - sums[first]), starts, length)


def spans_of(seconds: F64, duration: float, length: float, step: float) -> tuple[F64, Rows, Rows]:
    """Return the start of each window, its first frame, and the frame after its last, (W,) each."""
    count = max(1, int((duration - length) / step + 1e-6) + 1)
    starts = np.arange(count, dtype=np.float64) * step
    first = np.minimum(np.searchsorted(seconds, starts - 1e-6), len(seconds) - 1)
    after = np.maximum(np.searchsorted(seconds, starts + length - 1e-6), first + 1)
    return starts, first, after
