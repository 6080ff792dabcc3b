"""The temporal-attention encoder: pre-norm transformer blocks over a clip's frames."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from .attention import SelfAttention
from .dropout import Dropout
from .feedforward import Activation, FeedForward
from .positional_encoding import sinusoids, sinusoids_at, spread, spread_shown


class Block(nn.Module):
    """One pre-norm transformer block: attention, then a two-layer part, each beside a skip.

    On layer normalization in the transformer (2020): https://arxiv.org/abs/2002.04745

    Args:
        width: W, numbers a frame.
        heads: Attention heads.
        feed_forward: Hidden numbers of the two-layer part.
        dropout: Share of numbers that each part adds set to zero in training.
        activation: Curve of the hidden numbers.
        bias: Whether what reads normalised frames, whose norm has a bias, adds one of its own.
    """

    def __init__(
        self,
        *,
        width: int,
        heads: int,
        feed_forward: int,
        dropout: float,
        activation: Activation,
        bias: bool,
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width)
        self.attention = SelfAttention(width=width, heads=heads, bias=bias)
        self.feed_norm = nn.LayerNorm(width)
        self.feed = FeedForward(width=width, hidden=feed_forward, activation=activation, bias=bias)
        self.dropout = Dropout(dropout)

    def forward(self, frames: Tensor, shown: Tensor | None = None) -> Tensor:
        """Transform frames (B, T, W)."""
        frames = self.dropout(frames, self.attention(self.attention_norm(frames), shown))
        result: Tensor = self.dropout(frames, self.feed(self.feed_norm(frames)))
        return result

    def mean(self, frames: Tensor) -> Tensor:
        """Return the mean over time of what the block makes of frames (B, T, W), (B, W).

        The last matrix is linear, so it is applied once, to the mean of what comes before it.
        """
        frames = frames + self.attention(self.attention_norm(frames))
        into, curve, out = self.feed
        hidden: Tensor = curve(into(self.feed_norm(frames))).mean(dim=1)  # (B, hidden)
        result: Tensor = frames.mean(dim=1) + out(hidden)
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
        activation: Curve of a block's hidden numbers.
        bias: Whether all maps of a block add a bias, or only those that it ends its parts with.
        slots: How many the positions of any clip are spread over; 0 gives each frame its own.
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
        activation: Activation,
        bias: bool,
        slots: int,
    ) -> None:
        super().__init__()
        self.width, self.slots = width, slots
        self.enter = nn.Linear(dims, width)
        self.blocks = nn.ModuleList(
            Block(
                width=width,
                heads=heads,
                feed_forward=feed_forward,
                dropout=dropout,
                activation=activation,
                bias=bias,
            )
            for _ in range(layers)
        )

    def forward(self, clips: Tensor, shown: Tensor | None = None) -> Tensor:
        """Encode clips (B, T, M) to (B, T, W)."""
        return self.mix(self.enter(clips), shown)

    def mix(self, frames: Tensor, shown: Tensor | None = None) -> Tensor:
        """Let frames (B, T, W) look at each other."""
        frames = self._placed(frames, shown)
        for block in self.blocks:
            frames = block(frames, shown)
        return frames

    def mean(self, frames: Tensor) -> Tensor:
        """Return the mean over time of :meth:`mix`, (B, W), of all frames, without dropout."""
        frames = self._placed(frames)
        for block in self.blocks[:-1]:
            frames = block(frames)
        return cast(Block, self.blocks[-1]).mean(frames)

    def _placed(self, frames: Tensor, shown: Tensor | None = None) -> Tensor:
        count = frames.shape[1]
        if not self.slots:
            return frames + sinusoids(count, self.width).to(frames)
        places = spread(count, self.slots) if shown is None else spread_shown(shown, self.slots)
        return frames + sinusoids_at(places, self.width).to(frames)
