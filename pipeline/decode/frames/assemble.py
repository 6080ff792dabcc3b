"""From the pictures that were taken to the frames that are answered, once for each size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...records import Candidates, Frames, Reader, Status, VideoInfo
from ..base import FrameRequest
from ..frame_sampling import Seconds
from .frame_selection import FrameSelection
from .pixels import Picture
from .render import RenderedFrame


@dataclass(frozen=True, slots=True)
class ReaderResult:
    """What a reader took from a file.

    Attributes:
        selection: Numbers of the frames that are given.
        pictures: Of each given number.
        seconds: When each frame of the video is shown, (N,).
        duration: When the last one ends.
        shape: Width and height as shown.
        reader: Who it was.
        damage: For a partial video what is wrong, else nothing.
        track: Which of the file's video tracks it is, -1 where unknown.
        mended: What was mended in the file's clock, times or colours, else nothing.
    """

    selection: FrameSelection
    pictures: dict[int, RenderedFrame]
    seconds: Seconds
    duration: float
    shape: tuple[int, int]
    reader: Reader
    damage: str
    track: int = -1
    mended: str = ""


def assemble(
    result: ReaderResult, request: FrameRequest, sizes: tuple[int, ...]
) -> tuple[Frames, ...]:
    """Return the frames in each size, with candidates and views where asked for."""
    return tuple(_frames(result, request, place, sizes) for place in range(len(sizes)))


def _frames(
    result: ReaderResult, request: FrameRequest, place: int, sizes: tuple[int, ...]
) -> Frames:
    clip, further = result.selection.clip, result.selection.candidates
    count = len(result.seconds)
    rate = count / result.duration if result.duration else 0.0
    status, note = _status(result, request)
    candidates = views = None
    if request.per_segment:
        pixels = _stack(result, further.ravel().tolist(), place)
        shape = (*further.shape, *pixels.shape[1:])
        candidates = Candidates(pixels.reshape(shape), result.seconds[further], further)
    if request.views:
        full_frames = [result.pictures[number][len(sizes) + place] for number in clip.tolist()]
        views = _views(full_frames, request, sizes[place])
    return Frames(
        _stack(result, clip.tolist(), place),
        result.seconds[clip],
        clip,
        VideoInfo(result.duration, rate, *result.shape, count, result.track),
        status,
        result.reader,
        note,
        candidates,
        views,
    )


def _stack(result: ReaderResult, indices: list[int], place: int) -> Picture:
    return np.stack([result.pictures[number][place] for number in indices])


def _views(full_frames: list[Picture], request: FrameRequest, size: int) -> Picture:
    from ...augment import make_views

    return make_views(
        full_frames,
        count=request.views,
        mode=request.views_mode,
        parameters=request.augmentation,
        seed=request.seed,
        size=size,
    )


def _status(result: ReaderResult, request: FrameRequest) -> tuple[Status, str]:
    status, why = Status.OK, ""
    if result.damage:
        status, why = Status.PARTIAL, result.damage
    elif not request.every and len(result.seconds) < request.frames:
        status, why = Status.SHORT, f"{len(result.seconds)} of {request.frames} frames"
    return status, "; ".join(filter(None, (why, result.mended)))
