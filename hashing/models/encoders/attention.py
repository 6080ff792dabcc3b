"""Self-attention over the frames of a clip.

Attention is all you need (2017), section 3.2: https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class SelfAttention(nn.Module):
    """Every frame looks at every frame that exists, with several heads.

    Args:
        width: W, numbers a frame.
        heads: How many parts the width is split into; divides it.
        bias: Whether queries, keys and values have one.
    """

    def __init__(self, *, width: int, heads: int, bias: bool) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide a width of {width}")
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width, bias=bias)
        self.out = nn.Linear(width, width)

    def forward(self, frames: Tensor, shown: Tensor | None = None) -> Tensor:
        """Mix frames (B, T, W); ``shown`` (B, T) is false where a frame does not exist."""
        batch, time, width = frames.shape
        parts = self.query_key_value(frames).view(batch, time, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (B, heads, T, W / heads) each
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=None if shown is None else shown[:, None, None, :]
        )
        result: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, time, width))
        return result
