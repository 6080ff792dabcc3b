"""From a decoded frame to the backbone's square: upright, square pixels, resized, fitted.

Interlaced frames are scaled as one picture, both fields together: at a backbone's size the comb is
averaged away. Transparent pixels are composited over black. HDR is mapped to SDR, see
``pipeline.decode.frames.tone_mapping``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from av.filter import Graph
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from ..demux.orientation import Matrix, turned
from .tone_mapping import BT2020, is_hdr, tone_mapped

Picture = npt.NDArray[np.uint8]  # (H, W, 3) RGB
UPRIGHT: Matrix = (1, 0, 0, 1)
ALPHA_AT = {"rgba": 3, "bgra": 3, "argb": 0, "abgr": 0}


def shown_size(width: int, height: int, aspect: Fraction | None, turned: bool) -> tuple[int, int]:
    """Return width and height as shown.

    Args:
        width: Coded width.
        height: Coded height.
        aspect: Width of a pixel by its height.
        turned: Whether the frame is rotated by 90 or 270 degrees.

    Example:
        >>> shown_size(720, 576, Fraction(16, 15), True)
        (576, 768)
    """
    wide = max(1, round(width * aspect)) if aspect else width
    return (height, wide) if turned else (wide, height)


def resized(width: int, height: int, *, size: int, fit: str) -> tuple[int, int]:
    """Return what a shown frame is resized to before it is cropped or padded.

    Example:
        >>> resized(1280, 720, size=224, fit="crop"), resized(1280, 720, size=224, fit="pad")
        ((398, 224), (224, 126))
    """
    if fit == "squash":
        return size, size
    side = min(width, height) if fit == "crop" else max(width, height)
    return max(1, round(width * size / side)), max(1, round(height * size / side))


class Resizer:
    """Resizes frames with antialiasing; keeps libav's tables from frame to frame.

    Args:
        method: ``bilinear`` or ``bicubic``.
    """

    def __init__(self, method: str = "bilinear") -> None:
        self._method = method.upper()
        self._by_output: dict[tuple[int, int, str], VideoReformatter] = {}

    def __call__(
        self, frame: VideoFrame, width: int, height: int, layout: str, space: int | None = None
    ) -> npt.NDArray[Any]:
        """Return the frame in another size and layout, (height, width, channels)."""
        if frame.interlaced_frame:
            frame = as_one(frame)
        same = self._by_output.setdefault((width, height, layout), VideoReformatter())
        small = same.reformat(
            frame, width, height, layout, src_colorspace=space, interpolation=self._method
        )
        return np.asarray(small.to_ndarray())


def as_one(frame: VideoFrame) -> VideoFrame:
    """Return the same pixels as a progressive frame: libav scales fields apart, each by half."""
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1)
    )
    mark, sink = graph.add("setfield", "prog"), graph.add("buffersink")
    source.link_to(mark)
    mark.link_to(sink)
    graph.configure()
    source.push(frame)
    whole = graph.pull()
    assert isinstance(whole, VideoFrame)
    whole.colorspace, whole.color_range = frame.colorspace, frame.color_range
    return whole


def square(
    frame: VideoFrame,
    *,
    size: int,
    fit: str,
    aspect: Fraction | None,
    resizer: Resizer,
    matrix: Matrix = UPRIGHT,
) -> Picture:
    """Return one frame as (size, size, 3) RGB bytes.

    Resized with antialiasing; ``crop`` keeps the middle, ``squash`` ignores the aspect, ``pad``
    adds black. Rotation, mirroring and pixel aspect are applied.
    """
    width, height = shown_size(frame.width, frame.height, aspect, is_turned(matrix))
    width, height = resized(width, height, size=size, fit=fit)
    picture = _upright(frame, width, height, resizer, matrix)
    return _middle(picture, size) if fit == "crop" else _padded(picture, size)


def whole(
    frame: VideoFrame,
    *,
    side: int,
    aspect: Fraction | None,
    resizer: Resizer,
    matrix: Matrix = UPRIGHT,
) -> Picture:
    """Return one frame uncropped, (H, W, 3) RGB bytes; its shorter side is at most ``side``."""
    width, height = shown_size(frame.width, frame.height, aspect, is_turned(matrix))
    if min(width, height) > side:
        width, height = resized(width, height, size=side, fit="crop")
    return np.ascontiguousarray(_upright(frame, width, height, resizer, matrix))


def is_turned(matrix: Matrix) -> bool:
    """Return whether a display matrix lays the frame on its side."""
    return abs(matrix[1]) > abs(matrix[0])


def display_matrix(frame: VideoFrame) -> Matrix | None:
    """Return a frame's display matrix, the container's before the stream's own, or ``None``."""
    try:
        every: Any = frame.side_data
    except ValueError:  # a kind that PyAV does not know, such as the view of a stereo film
        return turned(frame.rotation) if frame.rotation else None
    for side in map(every.__getitem__, range(len(every))):
        if side.type is Type.DISPLAYMATRIX:
            rows = np.frombuffer(memoryview(side), np.int32)
            return int(rows[0]), int(rows[1]), int(rows[3]), int(rows[4])
    return None


def _upright(
    frame: VideoFrame, width: int, height: int, resizer: Resizer, matrix: Matrix
) -> Picture:
    """Resize to a shown size, then turn and mirror as the display matrix says."""
    a, b, c, d = matrix
    if not is_turned(matrix):
        picture = _rgb(frame, width, height, resizer)
        return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    picture = _rgb(frame, height, width, resizer).transpose(1, 0, 2)
    return picture[:: -1 if b < 0 else 1, :: -1 if c < 0 else 1]


def _rgb(frame: VideoFrame, width: int, height: int, resizer: Resizer) -> Picture:
    if is_hdr(frame):
        wide = resizer(frame, width, height, "rgb48le", BT2020)
        return tone_mapped(wide.astype(np.float32) / 65535, frame.color_trc)
    if any(component.is_alpha for component in frame.format.components) and not is_opaque(frame):
        rgba = resizer(frame, width, height, "rgba")
        return over_black(rgba)
    return np.asarray(resizer(frame, width, height, "rgb24"), np.uint8)


def is_opaque(frame: VideoFrame) -> bool:
    """Return whether a packed frame's alpha is full everywhere; False where that is not seen."""
    if frame.format.name not in ALPHA_AT:
        return False
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return bool(rows[:, ALPHA_AT[frame.format.name] : 4 * frame.width : 4].min() == 255)


def over_black(rgba: Picture) -> Picture:
    """Return (H, W, 3) of (H, W, 4): what is transparent turns black.

    >>> over_black(np.array([[[200, 100, 50, 0], [200, 100, 50, 255]]], np.uint8)).tolist()
    [[[0, 0, 0], [200, 100, 50]]]
    """
    alpha = rgba[..., 3:]
    if alpha.min() == 255:
        return rgba[..., :3]
    return ((rgba[..., :3].astype(np.uint16) * alpha + 127) // 255).astype(np.uint8)


def _middle(picture: Picture, size: int) -> Picture:
    top, left = ((side - size) // 2 for side in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + size, left : left + size])


def _padded(picture: Picture, size: int) -> Picture:
    height, width = picture.shape[:2]
    canvas = np.zeros((size, size, 3), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    canvas[top : top + height, left : left + width] = picture
    return canvas
