"""What is kept of a decoded frame: its square in every asked size, and the whole for views."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from av.video.frame import VideoFrame

from ..base import FrameRequest
from .pixels import Picture, Resizer, is_turned, shown_size, square, whole

ROOM = 2  # views are cut out of pictures whose shorter side is at most ROOM times their own


RenderedFrame = tuple[Picture, ...]
"""What is kept of one frame: its squares by size, then as many full frames for views."""
RenderFrame = Callable[[VideoFrame], RenderedFrame]


class FrameRenderer:
    """Turns frames into pictures.

    Args:
        request: Fit, and whether views will be drawn.
        sizes: Sides of the squares.
        aspect: Width of a pixel by its height, None for square ones.

    Attributes:
        shape: Width and height as shown; (0, 0) before the first frame.
    """

    def __init__(
        self, request: FrameRequest, sizes: tuple[int, ...], aspect: Fraction | None = None
    ) -> None:
        self._request, self.aspect = request, aspect
        self.shape = (0, 0)
        self._resizers = [(size, Resizer()) for size in sizes]

    def __call__(self, frame: VideoFrame) -> RenderedFrame:
        """Return the squares, in the order of their sizes, then as many wholes for views."""
        if not any(self.shape):
            self.shape = shown_size(frame.width, frame.height, self.aspect, is_turned(frame))
        fit, aspect = self._request.fit, self.aspect
        squares = [
            square(frame, size=size, fit=fit, aspect=aspect, resizer=resizer)
            for size, resizer in self._resizers
        ]
        if self._request.views == 0:
            return tuple(squares)
        full_frames = [
            whole(frame, side=ROOM * size, aspect=aspect, resizer=resizer)
            for size, resizer in self._resizers
        ]
        return (*squares, *full_frames)
