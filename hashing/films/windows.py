"""Windows: the mean feature of a few seconds of a video, every half second."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..matching.records import F32, F64, FrameSequence
from ..matching.space import unit
from ..retrieval.window_spans import spans_of


class Windows(NamedTuple):
    """The windows of one video.

    Attributes:
        vectors: Mean features, of length 1, (W, M).
        starts: First second of each, (W,).
    """

    vectors: F32
    starts: F64


def windows_of(video: FrameSequence) -> Windows:
    """Return the windows of a video, at least one.

    Args:
        video: Its features projected, (T, M).

    Example:
        >>> frames = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
        >>> video = FrameSequence(frames, np.array([0.5, 1.5, 2.5]), 3.0)
        >>> windows_of(video).vectors.round(2).tolist()
        [[1.0, 0.0], [0.7099999785423279, 0.7099999785423279]]
    """
    spans = spans_of(video.seconds, video.duration)
    sums = np.zeros((len(video.features) + 1, video.features.shape[1]))
    np.cumsum(video.features, axis=0, dtype=np.float64, out=sums[1:])
    return Windows(unit(sums[spans.after] - sums[spans.first]), spans.starts)
