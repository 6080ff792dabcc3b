"""From a decoded frame to the backbone's square: upright, square pixels, resized, fitted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

Picture = npt.NDArray[np.uint8]  # (H, W, 3) RGB


def shown_size(width: int, height: int, aspect: Fraction | None, rotation: int) -> tuple[int, int]:
    """Return width and height as shown.

    Args:
        width: Coded width.
        height: Coded height.
        aspect: Width of a pixel by its height.
        rotation: Degrees counterclockwise.

    Example:
        >>> shown_size(720, 576, Fraction(16, 15), 90)
        (576, 768)
    """
    wide = max(1, round(width * aspect)) if aspect else width
    return (height, wide) if rotation % 180 else (wide, height)


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


def square(frame: VideoFrame, *, size: int, fit: str, aspect: Fraction | None) -> Picture:
    """Return one frame as (size, size, 3) RGB bytes.

    Bilinear with antialiasing; ``crop`` keeps the middle, ``squash`` ignores the aspect, ``pad``
    adds black. Rotation and pixel aspect are applied.
    """
    turned = bool(frame.rotation % 180)
    width, height = shown_size(frame.width, frame.height, aspect, frame.rotation)
    width, height = resized(width, height, size=size, fit=fit)
    before = (height, width) if turned else (width, height)
    rgb24 = frame.reformat(*before, format="rgb24", interpolation="BILINEAR")
    rgb = np.asarray(rgb24.to_ndarray(), np.uint8)
    upright = np.rot90(rgb, k=frame.rotation // 90)  # both count counterclockwise
    return _middle(upright, size) if fit == "crop" else _padded(upright, size)


def _middle(picture: Picture, size: int) -> Picture:
    top, left = ((side - size) // 2 for side in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + size, left : left + size])


def _padded(picture: Picture, size: int) -> Picture:
    height, width = picture.shape[:2]
    canvas = np.zeros((size, size, 3), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    canvas[top : top + height, left : left + width] = picture
    return canvas
