"""Hash layer: encoded frames (B, T, H) and their inputs (B, T, M) to values and codes (B, K)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .binarizers import Binarizer, StraightThrough, sign
from .linear_hash import LinearHash

Binarize = Literal["video", "frame"]


class HashLayer(nn.Module):
    """Linear head over encoded frames, with an optional linear shortcut from their inputs.

    With a shortcut, the head is initialized to zero: the initial codes are then exactly those of
    the shortcut, which PCA-ITQ fits, and training improves on a good code instead of a random one.

    Args:
        dims: M, size of an input frame.
        hidden_dim: H, size of an encoded frame.
        bits: K, code length.
        binarize: ``video``: sign of the mean over frames; ``frame``: mean of the frames' signs.
        shortcut: Whether to add a linear map of the input.
        l2_normalize: Whether to L2-normalize the input of the shortcut.
        binarizer: Differentiable sign in training; straight-through if not given.
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
        """Set the shortcut to a linear hash fitted on mean inputs (N, M).

        Raises:
            ValueError: If the layer has no shortcut.
        """
        if self.shortcut is None:
            raise ValueError("a hash layer without a shortcut cannot start as a linear hash")
        directions = torch.from_numpy(initial.directions)
        with torch.no_grad():
            self.shortcut.weight.copy_(directions.T)
            self.shortcut.bias.copy_(-torch.from_numpy(initial.mean) @ directions)

    def forward(
        self, encoded: Tensor, inputs: Tensor, frame_mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Map encoded frames (B, T, H) and inputs (B, T, M) to values and codes, (B, K) each."""
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
    """Return the mean over unmasked frames (B, T, X), (B, X)."""
    if frame_mask is None:
        return frames.mean(dim=1)
    weights = frame_mask.to(frames.dtype)[:, :, None]  # (B, T, 1)
    return (frames * weights).sum(dim=1) / weights.sum(dim=1)
