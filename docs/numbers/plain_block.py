"""A video hasher of BTH's size, as people write it: what encoding is timed against.

Sizes: BTH (2021), one block, one head, width 256: https://github.com/Lily1994/BTH
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PlainBlock(nn.Module):
    """Linear map of each frame, one post-norm transformer block, a sign of each frame, their mean.

    Args:
        dim: D.
        bits: K.
        width: W.
        feed_forward: Hidden size of the feed-forward layer.
    """

    def __init__(self, *, dim: int, bits: int, width: int = 256, feed_forward: int = 1024) -> None:
        super().__init__()
        self.input_proj = nn.Linear(dim, width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm, self.feed_forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.into, self.back = nn.Linear(width, feed_forward), nn.Linear(feed_forward, width)
        self.bits = nn.Linear(width, bits)

    def forward(self, features: Tensor) -> Tensor:
        """Return codes (B, K) of -1, 0 and +1 for features (B, T, D)."""
        frames = self.input_proj(features)
        query, key, value = self.query(frames), self.key(frames), self.value(frames)
        weights = (query @ key.transpose(1, 2) / math.sqrt(query.shape[2])).softmax(dim=2)
        frames = self.norm(frames + self.out(weights @ value))
        frames = self.feed_forward_norm(frames + self.back(F.gelu(self.into(frames))))
        return torch.sign(torch.sign(self.bits(frames)).mean(dim=1))
