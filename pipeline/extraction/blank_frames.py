"""Blank videos: sampled frames that are black, white, of one colour, or all the same picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..records import Blank, Frames

BLOCK = 8  # pixels; the mean of a block takes away the noise of a codec, not a small thing
FLAT = 8.0  # grey levels between the blocks of a frame of one colour
SAME = 4.0  # grey levels that a block of a still may change by
BLACK, WHITE = 20.0, 235.0  # grey levels that no block is above, or below


def blank_of(frames: Frames, fit: str) -> Blank:
    """Return why the sampled frames of a video carry no information, or ``Blank.NONE``.

    Args:
        frames: The sampled frames; bars that ``pad`` added are not looked at.
        fit: How they became squares: ``crop``, ``squash`` or ``pad``.

    Returns:
        ``BLACK``, ``WHITE`` or ``COLOUR`` if all frames have that one colour, ``OTHER`` if each
        has one colour, but not the same; ``STILL`` if all show one picture.
    """
    _, first = np.unique(frames.index, return_index=True)
    levels = GreyLevels(fit)
    levels.add(frames.pixels[first], (frames.info.width, frames.info.height))
    return levels.blank(frames.info.frames)


class GreyLevels:
    """How the blocks of a video's frames vary, while they come.

    Args:
        fit: How frames became squares; bars that ``pad`` added are not looked at.
    """

    def __init__(self, fit: str) -> None:
        self._fit, self._count, self._uneven = fit, 0, 0.0
        self._low = self._high = np.empty(0, np.float32)

    def add(self, pixels: npt.NDArray[np.uint8], shape: tuple[int, int]) -> None:
        """Add frames, (n, H, W, 3), of a video of this width and height."""
        if self._fit == "pad":
            pixels = _without_bars(pixels, *shape)
        levels = block_means(pixels)
        low, high = levels.min(axis=0), levels.max(axis=0)
        if self._count:
            low, high = np.minimum(low, self._low), np.maximum(high, self._high)
        self._low, self._high = low, high
        self._uneven = max(self._uneven, float(np.ptp(levels, axis=(1, 2)).max()))
        self._count += len(levels)

    def blank(self, frames: int) -> Blank:
        """Return why a video of this many frames carries no information; see :func:`blank_of`."""
        if self._high.max() <= BLACK:
            return Blank.BLACK
        if self._low.min() >= WHITE:
            return Blank.WHITE
        same = bool((self._high - self._low).max() <= SAME)
        if self._uneven <= FLAT:
            return Blank.COLOUR if same else Blank.OTHER
        seen = self._count > 1 or frames == 1  # one frame of many tells nothing of motion
        return Blank.STILL if same and seen else Blank.NONE


def block_means(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the mean colour of each block of pixels.

    Args:
        pixels: Frames, (N, H, W, 3).

    Returns:
        (N, H // BLOCK, W // BLOCK, 3); what is left at the lower and right border is not in it. A
        frame that is lower or narrower than a block is one block high or wide.

    Example:
        >>> block_means(np.full((2, 12, 16, 3), 7, np.uint8)).shape
        (2, 1, 2, 3)
    """
    n, *sides, _ = pixels.shape
    y, x = (min(BLOCK, side) for side in sides)
    rows, columns = sides[0] // y, sides[1] // x
    whole = pixels[:, : rows * y, : columns * x]
    lines = whole.reshape(n, rows, y, columns * x * 3).sum(axis=2, dtype=np.uint16)
    sums = lines.reshape(n, rows, columns, x, 3).sum(axis=3, dtype=np.uint16)
    return np.asarray(sums / np.float32(y * x), np.float32)


def _without_bars(pixels: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """Cut off the bars of ``pad``, and a pixel more, which is mixed with them."""
    size = pixels.shape[1]
    cut = [(size - round(size * side / max(width, height, 1))) // 2 for side in (height, width)]
    top, left = (bar + 1 if bar > 0 else 0 for bar in cut)
    inside = pixels[:, top : size - top, left : size - left]
    return inside if inside.size else pixels
