"""Which moments of a video become frames: arithmetic only, nothing is opened here."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def uniform_indices(total: int, frames: int) -> npt.NDArray[np.int64]:
    """Return the middle frames of ``frames`` equal runs of a video.

    The i-th is ``floor((2i + 1) * total / (2 * frames))``. A video of fewer frames than asked
    gives some of them more than once.

    Args:
        total: N, the number of shown frames.
        frames: T, how many are wanted.

    Returns:
        Frame numbers in presentation order, never falling, (T,).

    Raises:
        ValueError: If either number is below 1.

    Example:
        >>> uniform_indices(10, 5).tolist()
        [1, 3, 5, 7, 9]
        >>> uniform_indices(2, 3).tolist()
        [0, 1, 1]
    """
    _check(total, frames)
    return (2 * np.arange(frames, dtype=np.int64) + 1) * total // (2 * frames)


def uniform_by_time(
    seconds: npt.NDArray[np.float64], duration: float, frames: int
) -> npt.NDArray[np.int64]:
    """Return the frames that are on the screen in the middle of ``frames`` equal spans of time.

    With a constant frame rate this is :func:`uniform_indices`; with a variable one it is not.

    Args:
        seconds: When each frame appears, rising from 0, (N,).
        duration: When the last frame disappears.
        frames: T, how many are wanted.

    Returns:
        Frame numbers in presentation order, never falling, (T,).

    Raises:
        ValueError: If there is no frame, or ``frames`` is below 1.

    Example:
        >>> uniform_by_time(np.array([0.0, 1.0, 9.0]), 10.0, 5).tolist()  # at 1, 3, 5, 7, 9
        [1, 1, 1, 1, 2]
    """
    _check(len(seconds), frames)
    middles = (2 * np.arange(frames) + 1) * duration / (2 * frames)
    shown = np.searchsorted(seconds, middles, side="right") - 1
    return np.clip(shown, 0, len(seconds) - 1).astype(np.int64)


def _check(total: int, frames: int) -> None:
    if total < 1 or frames < 1:
        raise ValueError(f"a sample needs at least one frame of one, got {frames} of {total}")
