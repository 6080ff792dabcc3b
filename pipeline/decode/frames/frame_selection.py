"""Select the frames of a request, once a video's frames are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..base import FrameRequest
from ..frame_sampling import (
    Indices,
    Seconds,
    draw_frames,
    nearest,
    on_screen,
    stepped_by_time,
    uniform_by_time,
    uniform_indices,
)


@dataclass(frozen=True, slots=True)
class FrameSelection:
    """The frames that a request asks for.

    Attributes:
        clip: Numbers in presentation order, (T,).
        candidates: Further ones of each segment, (T, C); M may be 0.
    """

    clip: Indices
    candidates: Indices

    @property
    def all(self) -> Indices:
        """Every number once, rising."""
        return np.unique(np.concatenate([self.clip, self.candidates.ravel()]))

    def replaced(self, replacements: dict[int, int]) -> FrameSelection:
        """Return the moments whose frames are really given, where each has its stand-in."""
        swap = np.vectorize(replacements.__getitem__, otypes=[np.int64])
        candidates = swap(self.candidates) if self.candidates.size else self.candidates
        return FrameSelection(swap(self.clip), candidates)


def select_frames(
    seconds: Seconds, duration: float, request: FrameRequest, keys: Indices | None = None
) -> FrameSelection:
    """Return which frames a request asks for.

    Args:
        seconds: When each frame is shown, (N,).
        duration: When the last one ends.
        request: What is asked.
        keys: Numbers of the key frames, where they are known; else key frame sampling is uniform.

    Raises:
        ValueError: If the request's ``sampling`` or ``by`` is not known.
    """
    if request.by not in ("index", "time"):
        raise ValueError(f"`by` must be index or time, got {request.by}")
    if request.moments:
        clip = on_screen(seconds, np.array(request.moments, np.float64))
        return FrameSelection(clip, clip[:0].reshape(len(clip), 0))
    if request.every:
        clip = stepped_by_time(seconds, duration, request.every)
        return FrameSelection(clip, clip[:0].reshape(0, 0))
    t, c = request.frames, request.per_segment
    clip = _clip(seconds, duration, request, keys)
    candidates = _middles(seconds, duration, request.by, t * c) if c else clip[:0]
    return FrameSelection(clip, candidates.reshape(t, c))


def _clip(
    seconds: Seconds, duration: float, request: FrameRequest, keys: Indices | None
) -> Indices:
    by_time, t = request.by == "time", request.frames
    rng = np.random.default_rng(request.seed)
    if request.sampling == "keyframe" and keys is not None:
        places: npt.NDArray[np.number] = seconds[keys] if by_time else keys
        middles = (
            (np.arange(t) + 0.5) * duration / t if by_time else uniform_indices(len(seconds), t)
        )
        return keys[nearest(places, middles)]
    return draw_frames(request.sampling, seconds, duration, frames=t, by_time=by_time, rng=rng)


def _middles(seconds: Seconds, duration: float, by: str, frames: int) -> Indices:
    if by == "time":
        return uniform_by_time(seconds, duration, frames)
    return uniform_indices(len(seconds), frames)
