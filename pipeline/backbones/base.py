"""Backbone protocol: embed frames as features, one of each frame or of each F frames."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..records import Fingerprint


class Backbone(Protocol):
    """A frozen image network, or a frozen video encoder.

    A video encoder also has ``frames_per_feature``, F: it turns the F frames of a segment into one
    feature. A backbone that is not trained for bilinear resizing has ``resize``, ``bicubic``.

    Attributes:
        name: Its full name, such as ``cnn:efficientnet-lite0``.
        size: Side of its square input in pixels.
        dim: D, the length of a feature.
        weights_sha256: Of its weights, hexadecimal.
        normalization: How bytes become numbers, one canonical line.
    """

    name: str
    size: int
    dim: int
    weights_sha256: str
    normalization: str

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Turn frames (n F, size, size, 3) RGB into features (n, D); from any thread."""
        ...

    def close(self) -> None:
        """End what runs in the background; nothing can be embedded afterwards."""
        ...


def fingerprint_of(backbone: Backbone, *, fit: str) -> Fingerprint:
    """Return what identifies features made by ``backbone`` from frames fitted by ``fit``."""
    size, resize = backbone.size, resize_of(backbone)
    preprocessing = f"size={size} fit={fit} resize={resize} {backbone.normalization}"
    if (frames := frames_per_feature(backbone)) > 1:
        preprocessing += f" frames={frames}"
    return Fingerprint(backbone.name, backbone.weights_sha256, backbone.dim, preprocessing)


def frames_per_feature(backbone: Backbone) -> int:
    """Return F, how many frames make one feature: 1 for an image network."""
    return int(getattr(backbone, "frames_per_feature", 1))  # plug-ins may lack it


def resize_of(backbone: Backbone) -> str:
    """Return how frames are resized for a backbone: ``bilinear`` or ``bicubic``."""
    return str(getattr(backbone, "resize", "bilinear"))  # plug-ins may lack it
