"""Which videos carry no information that could be compared: blank ones, and those that stand still.

Black, one-colour and still videos are alike whatever they are: they are told apart, never paired.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.records import Blank
from chainpipe.pipeline.store import FeatureStore

from .space import FrameSpace

STILL = 0.004  # of the library's variance: less movement is the noise of a codec
FAINT = 0.06  # of the library's variance: so little movement may be noise
NOISE = 1.7  # variance of steps by that of frames: 2 where each frame is independent of the others
_BLOCK = 256  # videos that are read at a time
_WORDS = {
    Blank.BLACK: "black",
    Blank.WHITE: "white",
    Blank.COLOUR: "one colour",
    Blank.STILL: "a still picture",
    Blank.OTHER: "one colour a frame",
}


def blank_reason(blank: int) -> str:
    """Return why the frames of a video are blank by its column ``video/blank``; else nothing.

    >>> blank_reason(4), blank_reason(0)
    ('a still picture', '')
    """
    return _WORDS.get(Blank(int(blank)), "")


def movement(features: npt.NDArray[np.floating], space: FrameSpace) -> npt.NDArray[np.float64]:
    """Return how much videos (n, T, D) move: variance within each by that of the library, (n,)."""
    mapped = features.astype(np.float32) @ space.directions
    inside = np.square(mapped - mapped.mean(axis=1, keepdims=True)).sum(axis=2).mean(axis=1)
    return np.asarray(inside / space.variance, np.float64)


def noisiness(features: npt.NDArray[np.floating], space: FrameSpace) -> npt.NDArray[np.float64]:
    """Return the variance of the steps of videos (n, T, D) by that of their frames, (n,).

    Frames that are noise have 2, those of a steady movement far less: von Neumann, Distribution of
    the ratio of the mean square successive difference to the variance, 1941.
    """
    mapped = features.astype(np.float32) @ space.directions
    inside = np.square(mapped - mapped.mean(axis=1, keepdims=True)).sum(axis=2).mean(axis=1)
    if mapped.shape[1] < 2:
        return np.zeros(len(mapped))
    steps = np.square(np.diff(mapped, axis=1)).sum(axis=2).mean(axis=1)
    return np.asarray(steps / np.maximum(inside, 1e-12), np.float64)


def frame_reasons(features: npt.NDArray[np.floating], space: FrameSpace) -> list[str]:
    """Return why the frames of videos (n, T, D) tell nothing, n lines; an empty one if they do."""
    moved, noise = movement(features, space), noisiness(features, space)
    still, faint = moved < STILL, (moved < FAINT) & (noise > NOISE)
    return [
        "nothing moves" if s else "nothing but noise moves" if f else ""
        for s, f in zip(still, faint, strict=True)
    ]


def reasons(store: FeatureStore, space: FrameSpace) -> list[str]:
    """Return why each video of a store is set apart, N lines; an empty one where it is not.

    Raises:
        DamageError: If a row's bytes are altered.
    """
    found = [blank_reason(number) for number in store.videos.blank]
    for start in range(0, len(found), _BLOCK):
        features = store.features(slice(start, start + _BLOCK))
        for row, reason in enumerate(frame_reasons(features, space), start):
            found[row] = found[row] or reason
    return found
