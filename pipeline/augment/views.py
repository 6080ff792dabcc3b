"""From decoded frames to augmented views of them: the pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from .augmentation import Augmentation
from .parameters import AugmentationParameters, draw_parameters

Pixels = npt.NDArray[np.uint8]
MODES = ("consistent", "per-frame")

# NTSC's luma and its two axes of colour, which saturation stretches and hue turns.
_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def make_views(
    frames: Sequence[Pixels], *, count: int, mode: str, parameters: str, seed: int, size: int
) -> Pixels:
    """Return ``count`` augmented copies of a clip.

    A view's draws depend on ``seed``, its number and the frames' shape as width by height, and
    on nothing else: neither on ``count`` nor on any size in pixels.

    Args:
        frames: T decoded frames of one shape, (H, W, 3) RGB each.
        count: V, how many views.
        mode: ``consistent`` (one draw for all frames of a view) or ``per-frame``.
        parameters: The line of an :class:`Augmentation`; empty for its defaults.
        seed: From 0 on.
        size: Side of a view in pixels.

    Returns:
        RGB bytes, (V, T, size, size, 3).

    Raises:
        ValueError: If there are no frames, or the parameters, the mode or the seed are none.
    """
    if mode not in MODES:
        raise ValueError(f"no views mode `{mode}`: `consistent` or `per-frame`")
    if not len(frames):
        raise ValueError("no frames to augment")
    augmentation = Augmentation.parse(parameters)
    height, width = frames[0].shape[:2]
    draws = [
        _draws(augmentation, mode, len(frames), width / height, np.random.default_rng([seed, view]))
        for view in range(count)
    ]
    cropped = np.empty((count, len(frames)), object)
    for at, frame in enumerate(frames):  # a whole frame is an image only once, one at a time
        image = Image.fromarray(frame)
        for view in range(count):
            cropped[view, at] = _crop(image, draws[view][at], size)
    views = np.empty((count, len(frames), size, size, 3), np.uint8)
    for view in range(count):
        _finish(list(cropped[view]), draws[view], views[view])
    return views


def _draws(
    augmentation: Augmentation,
    mode: str,
    frames: int,
    aspect: float,
    generator: np.random.Generator,
) -> list[AugmentationParameters]:
    """Return one view's draw for each frame."""
    if mode == "consistent":
        return [draw_parameters(augmentation, aspect=aspect, generator=generator)] * frames
    return [
        draw_parameters(augmentation, aspect=aspect, generator=generator) for _ in range(frames)
    ]


def _crop(image: Image.Image, draw: AugmentationParameters, size: int) -> Image.Image:
    """Crop, resize (antialiased) and mirror."""
    left, top, right, bottom = draw.box
    width, height = image.size
    box = (left * width, top * height, min(right, 1) * width, min(bottom, 1) * height)
    square = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    return square.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draw.flip else square


def _finish(images: list[Image.Image], draws: list[AugmentationParameters], view: Pixels) -> None:
    """Recolour and blur the cropped frames of one view into ``view`` (T, size, size, 3)."""
    mean = np.mean([np.asarray(image)[::4, ::4].mean(axis=(0, 1)) for image in images], axis=0)
    for at, (image, draw) in enumerate(zip(images, draws, strict=True)):
        if (matrix := colour_matrix(draw, mean)) is not None:
            image = image.convert("RGB", matrix)
        if draw.sigma:
            image = image.filter(ImageFilter.GaussianBlur(draw.sigma * len(view[at]) / 224))
        view[at] = np.asarray(image)


def colour_matrix(
    draw: AugmentationParameters, mean: npt.NDArray[np.float64]
) -> tuple[float, ...] | None:
    """Return brightness, contrast, saturation and hue as one 3 x 4 matrix over RGB and 1.

    Saturation and hue work in YIQ, as NVIDIA DALI's ``hsv`` does: they keep luma, so the four
    commute, their order need not be drawn, and bytes are rounded and clipped once.

    Args:
        draw: Whose colours.
        mean: Mean RGB of the clip, whose grey stays as it is when contrast changes, (3,).

    Returns:
        Its 12 numbers row by row, or ``None`` where nothing changes.

    Example:
        >>> colour_matrix(AugmentationParameters(brightness=2.0), np.zeros(3))[:4]
        (2.0, 0.0, 0.0, 0.0)
    """
    if (draw.brightness, draw.contrast, draw.saturation, draw.hue) == (1, 1, 1, 0):
        return None
    angle, stretch = 2 * math.pi * draw.hue, draw.saturation
    cosine, sine = stretch * math.cos(angle), stretch * math.sin(angle)
    chroma = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    colours = draw.brightness * draw.contrast * np.linalg.solve(_YIQ, chroma @ _YIQ)
    offset = draw.brightness * (1 - draw.contrast) * float(_YIQ[0] @ mean)
    rows = np.column_stack([colours, np.full(3, offset)])
    return tuple(float(number) for number in rows.round(12).ravel() + 0.0)
