"""A backbone of your own: the mean colour of each cell of a grid.

Use: chainpipe extract videos/ --plugin my_backbone.py --backbone colours:4
"""

from __future__ import annotations

import hashlib

import numpy as np

from chainpipe.plugins import BackboneOptions, register


@register.backbone("colours")
class ColourGrid:
    """Mean RGB of ``cells`` x ``cells`` equal parts of a frame; ``colours:4`` has D = 48."""

    size = 64
    normalization = "x/255"

    def __init__(self, rest: str, options: BackboneOptions) -> None:
        self.cells = int(rest or 4)
        self.name = f"colours:{self.cells}"
        self.dim = 3 * self.cells**2
        self.weights_sha256 = hashlib.sha256(self.name.encode()).hexdigest()

    def embed(self, pixels: np.ndarray) -> np.ndarray:
        """Turn frames (n, 64, 64, 3) RGB into features (n, D)."""
        n, side = len(pixels), self.size // self.cells
        kept = pixels[:, : side * self.cells, : side * self.cells]
        parts = kept.reshape(n, self.cells, side, self.cells, side, 3)
        return (parts.mean(axis=(2, 4)) / 255).reshape(n, self.dim).astype(np.float32)

    def close(self) -> None:
        """Do nothing: nothing runs in the background."""
