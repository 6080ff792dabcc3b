"""What is kept of a decoded frame: its square in every asked size, and the whole for views."""

from __future__ import annotations

import errno
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame

from ...records import Status, VideoError
from ..base import FrameRequest, TakePicture
from ..demux.orientation import Matrix
from .colour_matrix import replace_matrix
from .pixels import (
    UPRIGHT,
    Picture,
    Resizer,
    display_matrix,
    is_turned,
    shown_size,
    square,
    whole,
)

ROOM = 2  # views are cut out of pictures whose shorter side is at most ROOM times their own


RenderedFrame = tuple[Picture, ...]
"""What is kept of one frame: its squares by size, then as many full frames for views."""
RenderFrame = Callable[[VideoFrame], RenderedFrame]


class PictureStream:
    """Hands on each picture as it is made and keeps its place in the stream instead.

    Args:
        take: Called for each picture.
    """

    def __init__(self, take: TakePicture) -> None:
        self._take, self._count = take, 0

    def __call__(self, pictures: RenderedFrame, shape: tuple[int, int]) -> RenderedFrame:
        """Hand on one frame; return its place for each size, of no dimensions."""
        self._take(pictures, shape)
        place: Any = np.array(self._count)
        self._count += 1
        return (place,) * len(pictures)


class FrameRenderer:
    """Turns frames into pictures.

    Args:
        request: Fit, and whether views will be drawn.
        sizes: Sides of the squares.
        aspect: Width of a pixel by its height, None for square ones.
        orientation: Display matrix of frames that have none of their own.
        stream: Takes the pictures, where they are not kept.

    Attributes:
        shape: Width and height as shown; (0, 0) before the first frame.
        note: How frames were read that cannot be read as they ask, or nothing.
    """

    def __init__(
        self,
        request: FrameRequest,
        sizes: tuple[int, ...],
        aspect: Fraction | None = None,
        orientation: Matrix | None = None,
        stream: PictureStream | None = None,
    ) -> None:
        self._stream = stream
        self._request, self.aspect, self._orientation = request, aspect, orientation
        self.shape, self.note = (0, 0), ""
        self._resizers = [(size, Resizer(request.resize)) for size in sizes]

    def __call__(self, frame: VideoFrame) -> RenderedFrame:
        """Return the squares, in the order of their sizes, then as many wholes for views.

        Raises:
            VideoError: ``CORRUPT`` if libswscale cannot read such a frame.
        """
        self.note = replace_matrix(frame) or self.note
        matrix = display_matrix(frame) or self._orientation or UPRIGHT
        if not any(self.shape):
            self.shape = shown_size(frame.width, frame.height, self.aspect, is_turned(matrix))
        try:
            pictures = self._pictures(frame, matrix)
        except av.error.FFmpegError as error:
            if error.errno in (errno.ENOMEM, errno.EAGAIN):  # no memory, also for a thread
                raise
            words = f"its pictures cannot be converted: {error.strerror or error}"
            raise VideoError(Status.CORRUPT, words) from error
        return pictures if self._stream is None else self._stream(pictures, self.shape)

    def _pictures(self, frame: VideoFrame, matrix: Matrix) -> RenderedFrame:
        fit, aspect = self._request.fit, self.aspect
        squares = [
            square(frame, size=size, fit=fit, aspect=aspect, resizer=resizer, matrix=matrix)
            for size, resizer in self._resizers
        ]
        if self._request.views == 0:
            return tuple(squares)
        full_frames = [
            whole(frame, side=ROOM * size, aspect=aspect, resizer=resizer, matrix=matrix)
            for size, resizer in self._resizers
        ]
        return (*squares, *full_frames)
