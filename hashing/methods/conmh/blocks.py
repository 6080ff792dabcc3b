"""ConMH's transformer block: heads of size ``hidden_dim // num_heads``, and keys without a bias.

The published encoder has 6 heads and a hidden size of 256: 42 dimensions per head, 252 in total.
With a bias on queries and values only, a block has the published 785,400 parameters; no other
reading of "12 blocks, 6 heads, MLP x 4, qkv bias" gives that count.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import EPSILON


class ConmhAttention(nn.Module):
    """Multi-head self-attention over frames, (B, T, H) to (B, T, H).

    Args:
        hidden_dim: H, hidden size.
        num_heads: Number of heads of ``hidden_dim // num_heads`` dimensions.
    """

    def __init__(self, *, hidden_dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads, self.inner_dim = num_heads, hidden_dim // num_heads * num_heads
        self.qkv = nn.Linear(hidden_dim, 3 * self.inner_dim, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(self.inner_dim))
        self.v_bias = nn.Parameter(torch.zeros(self.inner_dim))
        self.out_proj = nn.Linear(self.inner_dim, hidden_dim)

    def forward(self, frames: Tensor) -> Tensor:
        """Apply self-attention to frames (B, T, H)."""
        batch, time, _ = frames.shape
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        parts = F.linear(frames, self.qkv.weight, bias)
        query, key, value = parts.view(batch, time, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)  # (B, heads, T, H // heads)
        result: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(batch, time, self.inner_dim))
        return result


class ConmhBlock(nn.Module):
    """Pre-norm transformer block: attention, then feed-forward layer, both residual; no dropout.

    Args:
        hidden_dim: H, hidden size.
        num_heads: Number of attention heads.
        feed_forward_dim: Hidden size of the feed-forward layer.
    """

    def __init__(self, *, hidden_dim: int, num_heads: int, feed_forward_dim: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(hidden_dim, eps=EPSILON)
        self.attention = ConmhAttention(hidden_dim=hidden_dim, num_heads=num_heads)
        self.feed_forward_norm = nn.LayerNorm(hidden_dim, eps=EPSILON)
        self.feed_forward = nn.Sequential(
            nn.Linear(hidden_dim, feed_forward_dim),
            nn.GELU(),
            nn.Linear(feed_forward_dim, hidden_dim),
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Transform frames (B, T, H)."""
        frames = frames + self.attention(self.attention_norm(frames))
        result: Tensor = frames + self.feed_forward(self.feed_forward_norm(frames))
        return result


def init_xavier(module: nn.Module) -> None:
    """Initialize all linear layers: Xavier-uniform weights and zero biases [code].

    Glorot and Bengio (2010): https://proceedings.mlr.press/v9/glorot10a.html
    """
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
