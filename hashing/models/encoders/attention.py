"""Self-attention over the frames of a clip.

Attention is all you need (2017), section 3.2: https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class SelfAttention(nn.Module):
    """Multi-head self-attention over the unmasked frames of a clip.

    Args:
        hidden_dim: H.
        num_heads: Number of heads; divides H.
        bias: Whether the query, key and value projections have a bias.

    Raises:
        ValueError: If ``num_heads`` does not divide ``hidden_dim``.
    """

    def __init__(self, *, hidden_dim: int, num_heads: int, bias: bool) -> None:
        super().__init__()
        if hidden_dim % num_heads:
            raise ValueError(f"{num_heads} heads do not divide a width of {hidden_dim}")
        self.num_heads = num_heads
        self.qkv = nn.Linear(hidden_dim, 3 * hidden_dim, bias=bias)
        self.out_proj = nn.Linear(hidden_dim, hidden_dim)

    def forward(self, frames: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Attend over frames (B, T, H); ``frame_mask`` (B, T) is false where a frame is masked."""
        batch, time, hidden_dim = frames.shape
        parts = self.qkv(frames).view(batch, time, 3, self.num_heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # (B, heads, T, H / heads) each
        mixed = F.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=None if frame_mask is None else frame_mask[:, None, None, :],
        )
        result: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(batch, time, hidden_dim))
        return result
