"""Where the windows of a video lie: a few seconds each, one every half second."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .hamming import Rows

LENGTH = 2.0  # seconds of a window
STEP = 0.5  # seconds between the starts of two

F64 = npt.NDArray[np.float64]


class WindowSpans(NamedTuple):
    """W windows of a video.

    Attributes:
        starts: First second of each, (W,).
        first: First frame of each, (W,).
        after: The frame after the last of each, (W,).
        length: Seconds of each.
    """

    starts: F64
    first: Rows
    after: Rows
    length: float


def spans_of(
    seconds: F64, duration: float, *, length: float = LENGTH, step: float = STEP
) -> WindowSpans:
    """Return the windows of a video, at least one, each with at least one frame.

    Where frames are further apart, a window is as long as the mean gap between two of them.

    Args:
        seconds: When its frames are shown, (T,), at least one.
        duration: Of the video.
        length: Seconds of a window.
        step: Seconds between the starts of two.

    Example:
        >>> found = spans_of(np.array([0.25, 0.75, 1.25, 1.75]), 2.0, length=1.0)
        >>> found.starts.tolist(), found.first.tolist(), found.after.tolist()
        ([0.0, 0.5, 1.0], [0, 1, 2], [2, 3, 4])
    """
    count = len(seconds)
    gap = float(seconds[-1] - seconds[0]) / (count - 1) if count > 1 else 0.0
    length, step = max(length, gap), max(step, gap)
    windows = max(1, int((duration - length) / step + 1e-6) + 1)
    starts = np.arange(windows, dtype=np.float64) * step
    first = np.minimum(np.searchsorted(seconds, starts - 1e-6), count - 1)
    after = np.maximum(np.searchsorted(seconds, starts + length - 1e-6), first + 1)
    return WindowSpans(starts, first, after, length)
