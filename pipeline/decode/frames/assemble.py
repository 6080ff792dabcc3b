"""From the pictures that were taken to the frames that are answered, once for each size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...records import Candidates, Frames, Reader, Status, VideoInfo
from ..base import FrameRequest
from ..frame_sampling import Seconds
from ..readers.exact import Pictures
from .frame_selection import Moments
from .pixels import Picture


@dataclass(frozen=True, slots=True)
class Taken:
    """What a reader took from a file.

    Attributes:
        moments: Numbers of the frames that are given.
        pictures: Of each given number.
        seconds: When each frame of the video is shown, (N,).
        duration: When the last one ends.
        shape: Width and height as shown.
        reader: Who it was.
        damage: For a partial video what is wrong, else nothing.
    """

    moments: Moments
    pictures: dict[int, Pictures]
    seconds: Seconds
    duration: float
    shape: tuple[int, int]
    reader: Reader
    damage: str


def answer(taken: Taken, request: FrameRequest, sizes: tuple[int, ...]) -> tuple[Frames, ...]:
    """Return the frames in each size, with candidates and views where asked for."""
    return tuple(_frames(taken, request, place, sizes) for place in range(len(sizes)))


def _frames(taken: Taken, request: FrameRequest, place: int, sizes: tuple[int, ...]) -> Frames:
    clip, further = taken.moments.clip, taken.moments.candidates
    count = len(taken.seconds)
    rate = count / taken.duration if taken.duration else 0.0
    status, note = _status(taken, request)
    candidates = views = None
    if request.per_segment:
        pixels = _stack(taken, further.ravel().tolist(), place)
        shape = (*further.shape, *pixels.shape[1:])
        candidates = Candidates(pixels.reshape(shape), taken.seconds[further], further)
    if request.views:
        wholes = [taken.pictures[number][len(sizes) + place] for number in clip.tolist()]
        views = _views(wholes, request, sizes[place])
    return Frames(
        _stack(taken, clip.tolist(), place), taken.seconds[clip], clip,
        VideoInfo(taken.duration, rate, *taken.shape, count), status, taken.reader, note,
        candidates, views,
    )  # fmt: skip


def _stack(taken: Taken, numbers: list[int], place: int) -> Picture:
    return np.stack([taken.pictures[number][place] for number in numbers])


def _views(wholes: list[Picture], request: FrameRequest, size: int) -> Picture:
    from ...augment import make_views

    return make_views(
        wholes, count=request.views, mode=request.views_mode, parameters=request.augmentation,
        seed=request.seed, size=size,
    )  # fmt: skip


def _status(taken: Taken, request: FrameRequest) -> tuple[Status, str]:
    if taken.damage:
        return Status.PARTIAL, taken.damage
    if len(taken.seconds) < request.frames:
        return Status.SHORT, f"{len(taken.seconds)} of {request.frames} frames"
    return Status.OK, ""
