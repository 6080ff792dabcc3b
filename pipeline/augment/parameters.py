"""One draw of an augmentation: numbers only, relative to the frame, whatever its size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .augmentation import Augmentation

_TRIES = 10  # crops drawn until one is within the frame, as torchvision's RandomResizedCrop does


@dataclass(frozen=True, slots=True)
class AugmentationParameters:
    """What happens to a frame.

    Attributes:
        box: Left, top, right and bottom of the crop, as shares of the frame.
        flip: Whether it is mirrored.
        brightness: Multiplies all colours.
        contrast: Multiplies their distance from the mean grey.
        saturation: Multiplies their distance from grey; 0 leaves no colour.
        hue: Turns them, in turns of the colour circle.
        sigma: Of the blur, in pixels of a view 224 wide; 0 for none.
    """

    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    flip: bool = False
    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0
    sigma: float = 0.0


def draw_parameters(
    augmentation: Augmentation, *, aspect: float, generator: np.random.Generator
) -> AugmentationParameters:
    """Draw once; it always takes as many numbers from ``generator``, so draws never shift.

    Args:
        augmentation: What to draw from.
        aspect: Width of the frame by its height.
        generator: Where the randomness comes from.
    """
    a = augmentation
    tries = generator.random((_TRIES, 2))  # area and aspect of each try
    left, top, flip, jitter, grey, blur, sigma = generator.random(7)
    strengths = np.array([a.brightness, a.contrast, a.saturation, a.hue])
    change = generator.uniform(-1, 1, 4) * strengths * (jitter < a.jitter)
    width, height = _crop(a, aspect, tries)
    x, y = left * (1 - width), top * (1 - height)
    return AugmentationParameters(
        box=(float(x), float(y), float(x + width), float(y + height)),
        flip=bool(flip < a.flip),
        brightness=float(1 + change[0]),
        contrast=float(1 + change[1]),
        saturation=0.0 if grey < a.grey else float(1 + change[2]),
        hue=float(change[3]),
        sigma=float(_between(a.sigma, sigma)) if blur < a.blur else 0.0,
    )


def _crop(a: Augmentation, aspect: float, tries: np.ndarray) -> tuple[float, float]:
    """Return width and height of the first crop that fits, else the largest of a fair aspect."""
    for area, shape in tries:
        wanted = math.exp(_between((math.log(a.aspect[0]), math.log(a.aspect[1])), shape))
        share = _between(a.scale, area)
        width = math.sqrt(share * wanted / aspect)
        height = math.sqrt(share * aspect / wanted)
        if width <= 1 and height <= 1:
            return width, height
    nearest = min(max(aspect, a.aspect[0]), a.aspect[1])
    return min(1.0, nearest / aspect), min(1.0, aspect / nearest)


def _between(limits: tuple[float, float], share: float) -> float:
    return limits[0] + (limits[1] - limits[0]) * share
