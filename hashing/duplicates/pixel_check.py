"""What moves in the pixels of two videos, and when: the proof behind a doubtful pair.

Frames are small and grey. One picture is laid on the other (mirrored, cropped, without its bars) by
their mean and by where they move; then each pixel's mean over time is taken away, so that what is
left is movement. Another take of the same scene has the same mean and moves otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..matching.alignment import align
from ..matching.records import F32, F64, Alignment, FrameSequence

SIDE = 64  # pixels of a frame that is looked at
_LOOK, _MOVE = 24, 20  # side of the pictures that are laid on each other, and of those that move
_SCALES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6)
_PLACES = 7  # of a crop along an axis
_FASTEST = 1.5  # or slowest: a speed that hardly any copy has
_UNUSUAL = 0.3  # of the score that is lost there
_FLAT = 6.0  # grey levels that a bar differs by, within and over time
_MOST_BAR = 0.4  # of a side


Box = tuple[float, float, float, float]  # top, bottom, left, right of a part of a picture, 0 to 1
_ALL = (0.0, 1.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class GreyClip:
    """Small grey frames of one video.

    Attributes:
        frames: Grey levels 0 to 255, the whole picture squeezed to a square, (T, SIDE, SIDE).
        seconds: When each is shown, (T,).
        duration: Of the video.
        inner: The picture without its bars.
        looks: The mean picture there, and where it moves, (2, SIDE, SIDE).
        movement: Grey levels by which the liveliest twentieth of the pixels changes at least: the
            standard deviation over time. Noise and coding alone change less than 3.
    """

    frames: F32
    seconds: F64
    duration: float
    inner: Box
    looks: F32
    movement: float

    @classmethod
    def of(cls, frames: F32, seconds: F64, duration: float) -> GreyClip:
        """Return a clip of grey frames, (T, H, W)."""
        inner = without_bars(frames)
        within = cut(frames, inner, SIDE)
        looks = np.stack([within.mean(axis=0), np.sqrt(within.std(axis=0))])
        movement = float(np.quantile(frames.std(axis=0), 0.95))
        return cls(frames, seconds, duration, inner, looks, movement)


@dataclass(frozen=True, slots=True)
class PictureLayout:
    """How one picture lies on another.

    Attributes:
        box_a: The common part of the first picture.
        box_b: The same of the second.
        mirrored: Whether the second is mirrored.
        likeness: Of the two pictures there: -1 to 1.
    """

    box_a: Box
    box_b: Box
    mirrored: bool
    likeness: float


def grey(pixels: npt.NDArray[np.uint8]) -> F32:
    """Return the luma of RGB frames (T, H, W, 3) as (T, H, W).

    >>> grey(np.full((1, 1, 1, 3), 100, np.uint8)).round(3).tolist()
    [[[100.0]]]
    """
    return np.asarray(pixels @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def without_bars(frames: F32) -> Box:
    """Return the part of the picture within its bars: top, bottom, left, right, 0 to 1.

    A bar is a border of rows or columns of one colour that never changes.

    Args:
        frames: Grey frames, (T, H, W).

    Example:
        >>> frames = np.random.default_rng(0).uniform(0, 255, (5, 8, 8)).astype(np.float32)
        >>> frames[:, :2] = 0
        >>> without_bars(frames)
        (0.25, 1.0, 0.0, 1.0)
    """
    edges: list[float] = []
    for axis in (1, 2):
        lines = np.moveaxis(frames, axis, 0).reshape(frames.shape[axis], -1)
        low, high = np.quantile(lines, (0.02, 0.98), axis=1)
        flat, count = high - low <= _FLAT, frames.shape[axis]
        most = int(_MOST_BAR * count)
        first = next((at for at in range(most) if not flat[at]), 0)
        last = next((at for at in range(most) if not flat[count - 1 - at]), 0)
        edges += [first / count, 1 - last / count]
    return edges[0], edges[1], edges[2], edges[3]


def lay_on(a: GreyClip, b: GreyClip) -> PictureLayout:
    """Find how the pictures of two videos lie on each other: one is a crop of the other.

    Args:
        a: The first.
        b: The second.
    """
    best: tuple[float, bool, bool, Box] | None = None
    for mirrored in (False, True):
        other = b.looks[:, :, ::-1] if mirrored else b.looks
        for swapped in (False, True):
            whole, part = (other, a.looks) if swapped else (a.looks, other)
            likeness, box = _best_crop(whole, part)
            if best is None or likeness > best[0] + 1e-6:
                best = likeness, mirrored, swapped, box
    assert best is not None
    likeness, mirrored, swapped, box = best
    box_a, box_b = (_ALL, box) if swapped else (box, _ALL)
    if mirrored:
        box_b = (box_b[0], box_b[1], 1 - box_b[3], 1 - box_b[2])
    return PictureLayout(_inside(a.inner, box_a), _inside(b.inner, box_b), mirrored, likeness)


def movement_alignment(a: GreyClip, b: GreyClip, layout: PictureLayout) -> Alignment | None:
    """Align two videos by what moves in their pixels.

    Args:
        a: The first.
        b: The second.
        layout: How their pictures lie on each other.
    """
    moves_a = _moves(a.frames, layout.box_a, mirrored=False)
    moves_b = _moves(b.frames, layout.box_b, mirrored=layout.mirrored)
    return align(
        FrameSequence(moves_a, a.seconds, a.duration), FrameSequence(moves_b, b.seconds, b.duration)
    )


def sureness(found: Alignment) -> float:
    """Return how sure an alignment of pixels makes it that two videos are copies, -1 to 1.

    Slow changes fit each other at some speed or other, so unusual speeds count less.
    """
    unusual = abs(math.log(found.runs[0].speed)) / math.log(_FASTEST)
    return found.score * (1 - _UNUSUAL * min(unusual, 1.0))


def cut(frames: F32, box: Box, size: int) -> F32:
    """Return a part of pictures (..., H, W) as squares (..., size, size), each pixel a mean.

    >>> cut(np.arange(16, dtype=np.float32).reshape(4, 4), (0, 0.5, 0, 1), 2).tolist()
    [[0.5, 2.5], [4.5, 6.5]]
    """
    rows = _weights(box[0], box[1], frames.shape[-2], size)
    columns = _weights(box[2], box[3], frames.shape[-1], size)
    return np.asarray(rows @ frames @ columns.T, np.float32)


def _moves(frames: F32, box: Box, *, mirrored: bool) -> F32:
    """Return what moves in each frame as a vector of unit length, (T, pixels)."""
    small = cut(frames, box, _MOVE)
    small = small[:, :, ::-1] if mirrored else small
    flat = small.reshape(len(small), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)  # brightness of the whole picture
    flat = flat - flat.mean(axis=0)
    sizes = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(sizes, 1e-6), np.float32)


def _best_crop(whole: F32, part: F32) -> tuple[float, Box]:
    """Find the crop of one picture, (2, S, S), that is most like another one."""
    wanted = _normal(cut(part, _ALL, _LOOK))
    best = (-2.0, _ALL)
    for crop in _crops():
        rows = crop.rows[:, None] @ whole  # (tops, 2, LOOK, S)
        found = _normal(rows[:, None] @ crop.columns[:, None])  # (tops, lefts, 2, LOOK, LOOK)
        likeness = (found * wanted).sum(axis=(-2, -1)).mean(axis=-1)
        top, left = np.unravel_index(int(likeness.argmax()), likeness.shape)
        if likeness[top, left] > best[0] + 1e-6:
            at_top, at_left = crop.tops[top], crop.lefts[left]
            box = (at_top, at_top + crop.tall, at_left, at_left + crop.wide)
            best = float(likeness[top, left]), box
    return best


@dataclass(frozen=True, slots=True, eq=False)
class _Crops:
    """Crops of one size at all places.

    Attributes:
        tall: Height, 0 to 1.
        wide: Width.
        tops: Where they start.
        lefts: The same from the left.
        rows: Weights that make a picture's rows those of each crop, (tops, LOOK, SIDE).
        columns: The same of its columns, (lefts, SIDE, LOOK).
    """

    tall: float
    wide: float
    tops: list[float]
    lefts: list[float]
    rows: F32
    columns: F32


@lru_cache(maxsize=1)
def _crops() -> list[_Crops]:
    """Return crops of all sizes, the largest first."""
    sizes = [(scale, scale) for scale in _SCALES]
    sizes += [(1.0, s) for s in _SCALES[2::2]] + [(s, 1.0) for s in _SCALES[2::2]]
    found = []
    for tall, wide in sizes:
        tops, lefts = _starts(tall), _starts(wide)
        rows = np.stack([_weights(at, at + tall, SIDE, _LOOK) for at in tops])
        columns = np.stack([_weights(at, at + wide, SIDE, _LOOK).T for at in lefts])
        found.append(_Crops(tall, wide, tops, lefts, rows, columns))
    return found


def _starts(length: float) -> list[float]:
    return [0.0] if length == 1.0 else np.linspace(0, 1 - length, _PLACES).tolist()


def _normal(pictures: npt.NDArray[np.floating]) -> F32:
    """Return pictures (..., H, W) without their mean, of unit length."""
    plain = pictures - pictures.mean(axis=(-2, -1), keepdims=True)
    sizes = np.sqrt(np.square(plain).sum(axis=(-2, -1), keepdims=True))
    return np.asarray(plain / np.maximum(sizes, 1e-6), np.float32)


def _inside(outer: Box, box: Box) -> Box:
    """Return a box within another one in the coordinates of the whole picture."""
    top, bottom, left, right = outer
    tall, wide = bottom - top, right - left
    return (top + tall * box[0], top + tall * box[1], left + wide * box[2], left + wide * box[3])


def _weights(start: float, end: float, count: int, size: int) -> F32:
    """Return how much each of ``count`` pixels counts for ``size`` equal parts of a span."""
    edges = np.linspace(start * count, end * count, size + 1)
    pixels = np.arange(count)
    low = np.maximum(edges[:-1, None], pixels)
    high = np.minimum(edges[1:, None], pixels + 1)
    shares = np.maximum(high - low, 0)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)
