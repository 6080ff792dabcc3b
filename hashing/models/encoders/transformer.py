"""The temporal-attention encoder: pre-norm transformer blocks over a clip's frames."""

from __future__ import annotations

from typing import Self, cast

from torch import Tensor, nn

from ...config.model import EncoderConfig
from .attention import SelfAttention
from .dropout import ResidualDropout
from .feedforward import Activation, FeedForward
from .positional_encoding import (
    sinusoidal_encoding,
    sinusoidal_encoding_at,
    spread_positions,
    spread_unmasked_positions,
)


class TransformerBlock(nn.Module):
    """One pre-norm transformer block: attention, then a two-layer part, each beside a skip.

    On layer normalization in the transformer (2020): https://arxiv.org/abs/2002.04745

    Args:
        hidden_dim: H, numbers a frame.
        num_heads: Attention heads.
        feed_forward_dim: Hidden numbers of the two-layer part.
        dropout: Share of numbers that each part adds set to zero in training.
        activation: Curve of the hidden numbers.
        bias: Whether what reads normalised frames, whose norm has a bias, adds one of its own.
    """

    def __init__(
        self,
        *,
        hidden_dim: int,
        num_heads: int,
        feed_forward_dim: int,
        dropout: float,
        activation: Activation,
        bias: bool,
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(hidden_dim)
        self.attention = SelfAttention(hidden_dim=hidden_dim, num_heads=num_heads, bias=bias)
        self.feed_forward_norm = nn.LayerNorm(hidden_dim)
        self.feed_forward = FeedForward(
            hidden_dim=hidden_dim,
            feed_forward_dim=feed_forward_dim,
            activation=activation,
            bias=bias,
        )
        self.dropout = ResidualDropout(dropout)

    def forward(self, frames: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Transform frames (B, T, H)."""
        frames = self.dropout(frames, self.attention(self.attention_norm(frames), frame_mask))
        result: Tensor = self.dropout(frames, self.feed_forward(self.feed_forward_norm(frames)))
        return result

    def mean(self, frames: Tensor) -> Tensor:
        """Return the mean over time of what the block makes of frames (B, T, H), (B, H).

        The last matrix is linear, so it is applied once, to the mean of what comes before it.
        """
        frames = frames + self.attention(self.attention_norm(frames))
        into, activation, out = self.feed_forward
        hidden: Tensor = activation(into(self.feed_forward_norm(frames))).mean(dim=1)  # (B, hidden)
        result: Tensor = frames.mean(dim=1) + out(hidden)
        return result


class TransformerEncoder(nn.Module):
    """Linear map, slot positions, blocks.

    Args:
        dims: M, numbers a frame that come in.
        hidden_dim: H, numbers a frame that come out.
        num_layers: How many blocks.
        num_heads: Attention heads of a block.
        feed_forward_dim: Hidden numbers of a block's two-layer part.
        dropout: Share of numbers set to zero in training.
        activation: Curve of a block's hidden numbers.
        bias: Whether all maps of a block add a bias, or only those that it ends its parts with.
        position_slots: How many the positions of any clip are spread over; 0 gives each frame its
            own.
    """

    def __init__(
        self,
        *,
        dims: int,
        hidden_dim: int,
        num_layers: int,
        num_heads: int,
        feed_forward_dim: int,
        dropout: float,
        activation: Activation,
        bias: bool,
        position_slots: int,
    ) -> None:
        super().__init__()
        self.hidden_dim, self.position_slots = hidden_dim, position_slots
        self.input_proj = nn.Linear(dims, hidden_dim)
        self.blocks = nn.ModuleList(
            TransformerBlock(
                hidden_dim=hidden_dim,
                num_heads=num_heads,
                feed_forward_dim=feed_forward_dim,
                dropout=dropout,
                activation=activation,
                bias=bias,
            )
            for _ in range(num_layers)
        )

    @classmethod
    def from_config(cls, config: EncoderConfig, dims: int) -> Self:
        """Build the encoder of frames of M = ``dims`` numbers."""
        return cls(
            dims=dims,
            hidden_dim=config.hidden_dim,
            num_layers=config.num_layers,
            num_heads=config.num_heads,
            feed_forward_dim=config.feed_forward_dim,
            dropout=config.dropout,
            activation=config.activation,
            bias=config.bias,
            position_slots=config.position_slots,
        )

    def forward(self, clips: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Encode clips (B, T, M) to (B, T, H)."""
        return self.mix(self.input_proj(clips), frame_mask)

    def mix(self, frames: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Let frames (B, T, H) look at each other."""
        frames = self._placed(frames, frame_mask)
        for block in self.blocks:
            frames = block(frames, frame_mask)
        return frames

    def mean(self, frames: Tensor) -> Tensor:
        """Return the mean over time of :meth:`mix`, (B, H), of all frames, without dropout."""
        frames = self._placed(frames)
        for block in self.blocks[:-1]:
            frames = block(frames)
        return cast(TransformerBlock, self.blocks[-1]).mean(frames)

    def _placed(self, frames: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        count = frames.shape[1]
        if not self.position_slots:
            return frames + sinusoidal_encoding(count, self.hidden_dim).to(frames)
        positions = (
            spread_positions(count, self.position_slots)
            if frame_mask is None
            else spread_unmasked_positions(frame_mask, self.position_slots)
        )
        return frames + sinusoidal_encoding_at(positions, self.hidden_dim).to(frames)
