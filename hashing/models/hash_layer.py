"""The hash layer: encoded frames and their inputs in, K values and a code a video out."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .binarizers import Binarizer, StraightThrough, sign
from .linear_hash import LinearHash

Binarize = Literal["video", "frame"]


class HashLayer(nn.Module):
    """From encoded frames to K numbers a video.

    With a skip, the learned part's last layer starts at zero, so that the first codes are those
    of the skip alone.

    Args:
        dims: M, numbers a frame before the encoder.
        hidden_dim: H, numbers a frame after it.
        bits: K.
        binarize: Sign of the video's mean, or of each frame before the mean.
        shortcut: Whether the input reaches the bits directly, too.
        l2_normalize: Whether the skip's input is scaled to length 1.
        binarizer: What the losses see in place of signs; straight-through signs if not given.
    """

    def __init__(
        self,
        *,
        dims: int,
        hidden_dim: int,
        bits: int,
        binarize: Binarize,
        shortcut: bool,
        l2_normalize: bool,
        binarizer: Binarizer | None = None,
    ) -> None:
        super().__init__()
        self.binarize, self.l2_normalize = binarize, l2_normalize
        self.binarizer = binarizer or StraightThrough()
        self.norm = nn.LayerNorm(hidden_dim)
        self.head = nn.Linear(hidden_dim, bits)
        self.shortcut = nn.Linear(dims, bits) if shortcut else None
        if shortcut:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return self.head.out_features

    def init_shortcut(self, initial: LinearHash) -> None:
        """Set the skip to a linear hash fitted on mean inputs (B, M)."""
        if self.shortcut is None:
            raise ValueError("a hash layer without a skip cannot start as a linear hash")
        directions = torch.from_numpy(initial.directions)
        with torch.no_grad():
            self.shortcut.weight.copy_(directions.T)
            self.shortcut.bias.copy_(-torch.from_numpy(initial.mean) @ directions)

    def forward(
        self, encoded: Tensor, inputs: Tensor, frame_mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return values and codes, (B, K) each, for frames (B, T, H) and their inputs (B, T, M)."""
        if self.binarize == "frame":
            every = self._values(encoded, inputs)  # (B, T, K)
            return masked_mean(sign(every), frame_mask), masked_mean(
                self.binarizer(every), frame_mask
            )
        values = self._values(masked_mean(encoded, frame_mask), masked_mean(inputs, frame_mask))
        return values, self.binarizer(values)

    def _values(self, encoded: Tensor, inputs: Tensor) -> Tensor:
        values: Tensor = self.head(self.norm(encoded))
        if self.shortcut is None:
            return values
        linear: Tensor = self.shortcut(F.normalize(inputs, dim=-1) if self.l2_normalize else inputs)
        return values + linear


def masked_mean(frames: Tensor, frame_mask: Tensor | None) -> Tensor:
    """Return the mean over frames (B, T, X) that exist, (B, X)."""
    if frame_mask is None:
        return frames.mean(dim=1)
    weights = frame_mask.to(frames.dtype)[:, :, None]  # (B, T, 1)
    return (frames * weights).sum(dim=1) / weights.sum(dim=1)
