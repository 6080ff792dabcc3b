"""Transformer encoder: pre-norm blocks over the frames of a clip."""

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
    """Pre-norm transformer block: self-attention, then feed-forward layer, both residual.

    On layer normalization in the transformer (2020): https://arxiv.org/abs/2002.04745

    Args:
        hidden_dim: H.
        num_heads: Attention heads; divides H.
        feed_forward_dim: Hidden size of the feed-forward layer.
        dropout: Dropout probability on each residual branch.
        activation: Activation function of the feed-forward layer.
        bias: Whether the linear layers after a LayerNorm have a bias; that of the norm is another.
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
        """Compute the mean over time of the block's output for frames (B, T, H), (B, H).

        The last layer is linear, so it is applied once, to the mean of its inputs.
        """
        frames = frames + self.attention(self.attention_norm(frames))
        into, activation, out = self.feed_forward
        hidden: Tensor = activation(into(self.feed_forward_norm(frames))).mean(dim=1)  # (B, hidden)
        result: Tensor = frames.mean(dim=1) + out(hidden)
        return result


class TransformerEncoder(nn.Module):
    """Linear projection, positional encoding, transformer blocks.

    Args:
        dims: M, size of an input frame.
        hidden_dim: H, size of an encoded frame.
        num_layers: Number of blocks.
        num_heads: Attention heads of a block.
        feed_forward_dim: Hidden size of the feed-forward layers.
        dropout: Dropout probability on each residual branch.
        activation: Activation function of the feed-forward layers.
        bias: Whether the linear layers after a LayerNorm have a bias.
        position_slots: Range that the positions of a clip are rescaled to; 0: one position a frame.
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
        """Mix frames (B, T, H) over time."""
        frames = self._with_positions(frames, frame_mask)
        for block in self.blocks:
            frames = block(frames, frame_mask)
        return frames

    def mean(self, frames: Tensor) -> Tensor:
        """Compute the mean over time of :meth:`mix`, (B, H), without mask and dropout."""
        frames = self._with_positions(frames)
        for block in self.blocks[:-1]:
            frames = block(frames)
        return cast(TransformerBlock, self.blocks[-1]).mean(frames)

    def _with_positions(self, frames: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        count = frames.shape[1]
        if not self.position_slots:
            return frames + sinusoidal_encoding(count, self.hidden_dim).to(frames)
        positions = (
            spread_positions(count, self.position_slots)
            if frame_mask is None
            else spread_unmasked_positions(frame_mask, self.position_slots)
        )
        return frames + sinusoidal_encoding_at(positions, self.hidden_dim).to(frames)
