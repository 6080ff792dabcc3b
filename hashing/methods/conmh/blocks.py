"""ConMH's transformer block: heads of ``width // heads`` numbers, and keys without a bias.

The published encoder has 6 heads in a width of 256. They take 42 numbers each, 252 together, and
with a bias on queries and values only a block has the published 785,400 parameters; no other
reading of "12 blocks, 6 heads, MLP x 4, qkv bias" gives that number.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-6  # of the layer norms [code]


class Attention(nn.Module):
    """Every frame looks at every other.

    Args:
        width: W, numbers a frame.
        heads: How many; each has ``width // heads`` numbers.
    """

    def __init__(self, *, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.inner = heads, width // heads * heads
        self.query_key_value = nn.Linear(width, 3 * self.inner, bias=False)
        self.query_bias = nn.Parameter(torch.zeros(self.inner))
        self.value_bias = nn.Parameter(torch.zeros(self.inner))
        self.out = nn.Linear(self.inner, width)

    def forward(self, frames: Tensor) -> Tensor:
        """Mix frames (B, T, W)."""
        batch, time, _ = frames.shape
        bias = torch.cat([self.query_bias, torch.zeros_like(self.query_bias), self.value_bias])
        parts = F.linear(frames, self.query_key_value.weight, bias)
        query, key, value = parts.view(batch, time, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)  # (B, heads, T, W // heads)
        result: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, time, self.inner))
        return result


class Block(nn.Module):
    """Attention, then a two-layer part, each on normalised frames and beside a skip; no dropout.

    Args:
        width: W, numbers a frame.
        heads: Attention heads.
        feed_forward: Hidden numbers of the two-layer part.
    """

    def __init__(self, *, width: int, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, eps=EPSILON)
        self.attention = Attention(width=width, heads=heads)
        self.feed_norm = nn.LayerNorm(width, eps=EPSILON)
        self.feed = nn.Sequential(
            nn.Linear(width, feed_forward), nn.GELU(), nn.Linear(feed_forward, width)
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Transform frames (B, T, W)."""
        frames = frames + self.attention(self.attention_norm(frames))
        result: Tensor = frames + self.feed(self.feed_norm(frames))
        return result


def start(module: nn.Module) -> None:
    """Give every linear layer within Glorot's uniform weights and no bias [code].

    Glorot and Bengio (2010): https://proceedings.mlr.press/v9/glorot10a.html
    """
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
