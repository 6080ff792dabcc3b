"""The temporal-attention encoder: pre-norm transformer blocks over a clip's frames."""

from __future__ import annotations

from torch import Tensor, nn

from hashing.encoders.attention import SelfAttention
from hashing.encoders.position import sinusoids


class Block(nn.Module):
    """One pre-norm transformer block: attention, then a two-layer part, each beside a skip.

    On layer normalization in the transformer (2020): https://arxiv.org/abs/2002.04745

    Args:
        width: W, numbers a frame.
        heads: Attention heads.
        feed_forward: Hidden numbers of the two-layer part.
        dropout: Share of numbers that each part adds set to zero in training.
    """

    def __init__(self, *, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width=width, heads=heads)
        self.feed_norm = nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.Linear(width, feed_forward),
            nn.GELU(),
            nn.Linear(feed_forward, width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames: Tensor, shown: Tensor | None = None) -> Tensor:
        """Transform frames (B, T, W)."""
        frames = frames + self.dropout(self.attention(self.attention_norm(frames), shown))
        result: Tensor = frames + self.dropout(self.feed(self.feed_norm(frames)))
        return result


class TransformerEncoder(nn.Module):
    """Linear map, slot positions, blocks.

    Args:
        dims: M, numbers a frame that come in.
        width: W, numbers a frame that come out.
        layers: How many blocks.
        heads: Attention heads of a block.
        feed_forward: Hidden numbers of a block's two-layer part.
        dropout: Share of numbers set to zero in training.
    """

    def __init__(
        self,
        *,
        dims: int,
        width: int,
        layers: int,
        heads: int,
        feed_forward: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.width = width
        self.enter = nn.Linear(dims, width)
        self.blocks = nn.ModuleList(
            Block(width=width, heads=heads, feed_forward=feed_forward, dropout=dropout)
            for _ in range(layers)
        )

    def forward(self, clips: Tensor, shown: Tensor | None = None) -> Tensor:
        """Encode clips (B, T, M) to (B, T, W)."""
        frames: Tensor = self.enter(clips)
        frames = frames + sinusoids(clips.shape[1], self.width).to(frames)
        for block in self.blocks:
            frames = block(frames, shown)
        return frames
