"""The hash layer: encoded frames and their inputs in, K values and a code a video out."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .linear_hash import LinearHash
from .binarizers import Binarizer, StraightThrough, sign

Binarize = Literal["video", "frame"]


class HashLayer(nn.Module):
    """From encoded frames to K numbers a video.

    With a skip, the learned part's last layer starts at zero, so that the first codes are those
    of the skip alone.

    Args:
        dims: M, numbers a frame before the encoder.
        width: W, numbers a frame after it.
        bits: K.
        binarize: Sign of the video's mean, or of each frame before the mean.
        skip: Whether the input reaches the bits directly, too.
        unit_mean: Whether the skip's input is scaled to length 1.
        binarizer: What the losses see in place of signs; straight-through signs if not given.
    """

    def __init__(
        self,
        *,
        dims: int,
        width: int,
        bits: int,
        binarize: Binarize,
        skip: bool,
        unit_mean: bool,
        binarizer: Binarizer | None = None,
    ) -> None:
        super().__init__()
        self.binarize, self.unit_mean = binarize, unit_mean
        self.binarizer = binarizer or StraightThrough()
        self.norm = nn.LayerNorm(width)
        self.learned = nn.Linear(width, bits)
        self.skip = nn.Linear(dims, bits) if skip else None
        if skip:
            nn.init.zeros_(self.learned.weight)
            nn.init.zeros_(self.learned.bias)

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return self.learned.out_features

    def start_as(self, start: LinearHash) -> None:
        """Set the skip to a linear hash fitted on mean inputs (N, M)."""
        if self.skip is None:
            raise ValueError("a hash layer without a skip cannot start as a linear hash")
        directions = torch.from_numpy(start.directions)
        with torch.no_grad():
            self.skip.weight.copy_(directions.T)
            self.skip.bias.copy_(-torch.from_numpy(start.mean) @ directions)

    def forward(
        self, encoded: Tensor, inputs: Tensor, shown: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return values and codes, (B, K) each, for frames (B, T, W) and their inputs (B, T, M)."""
        if self.binarize == "frame":
            every = self._values(encoded, inputs)  # (B, T, K)
            return mean_of_shown(sign(every), shown), mean_of_shown(self.binarizer(every), shown)
        values = self._values(mean_of_shown(encoded, shown), mean_of_shown(inputs, shown))
        return values, self.binarizer(values)

    def _values(self, encoded: Tensor, inputs: Tensor) -> Tensor:
        values: Tensor = self.learned(self.norm(encoded))
        if self.skip is None:
            return values
        direct: Tensor = self.skip(F.normalize(inputs, dim=-1) if self.unit_mean else inputs)
        return values + direct


def mean_of_shown(frames: Tensor, shown: Tensor | None) -> Tensor:
    """Return the mean over frames (B, T, X) that exist, (B, X)."""
    if shown is None:
        return frames.mean(dim=1)
    weights = shown.to(frames.dtype)[:, :, None]  # (B, T, 1)
    return (frames * weights).sum(dim=1) / weights.sum(dim=1)
