"""Backbone protocol: embed B frames as features (B, D)."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..records import Fingerprint


class Backbone(Protocol):
    """A frozen image network.

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
        """Turn frames (n, size, size, 3) RGB into features (n, D); from any thread."""
        ...

    def close(self) -> None:
        """End what runs in the background; nothing can be embedded afterwards."""
        ...


def fingerprint_of(backbone: Backbone, *, fit: str) -> Fingerprint:
    """Return what identifies features made by ``backbone`` from frames fitted by ``fit``."""
    preprocessing = f"size={backbone.size} fit={fit} resize=bilinear {backbone.normalization}"
    return Fingerprint(backbone.name, backbone.weights_sha256, backbone.dim, preprocessing)
