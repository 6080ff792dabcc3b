"""ConMH's network: a sign per visible frame and bit; their mean over frames is the code."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...models.binarizers import sign
from ...models.encoders.positional_encoding import sinusoidal_encoding
from ...models.hash_model import HashOutput
from .blocks import ConmhBlock, init_xavier
from .config import EPSILON

_BATCH = 128  # videos per forward pass


class ConmhModel(nn.Module):
    """Encoder and hash layer; raw features go in, as published.

    Args:
        dims: D, feature dimensions.
        hidden_dim: H, hidden size of the encoder.
        num_layers: Number of transformer blocks.
        num_heads: Attention heads per block.
        feed_forward_dim: Hidden size of the feed-forward layers.
        bits: K, the length of a code.
    """

    def __init__(
        self,
        *,
        dims: int,
        hidden_dim: int,
        num_layers: int,
        num_heads: int,
        feed_forward_dim: int,
        bits: int,
    ) -> None:
        super().__init__()
        self.hidden_dim = hidden_dim
        self.input_proj = nn.Linear(dims, hidden_dim)
        self.blocks = nn.ModuleList(
            ConmhBlock(
                hidden_dim=hidden_dim, num_heads=num_heads, feed_forward_dim=feed_forward_dim
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(hidden_dim, eps=EPSILON)
        self.output_proj = nn.Linear(hidden_dim, hidden_dim)
        init_xavier(self)
        self.hash = nn.Linear(hidden_dim, bits)
        self.hash_norm = nn.LayerNorm(bits)

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return self.hash.out_features

    def encoded(self, frames: Tensor, frame_indices: Tensor) -> Tensor:
        """Encode visible frames (B, S, D) at ``frame_indices`` (B, S) of their video to (B, S, H).

        Masked frames are not part of the input, as in a masked autoencoder.
        """
        positions = sinusoidal_encoding(int(frame_indices.max()) + 1, self.hidden_dim).to(frames)
        hidden: Tensor = self.input_proj(frames) + positions[frame_indices]
        for block in self.blocks:
            hidden = block(hidden)
        result: Tensor = self.output_proj(self.norm(hidden))
        return result

    def signs(self, encoded: Tensor) -> Tensor:
        """Return the signs (B, S, K) of encoded frames (B, S, H)."""
        return sign(self.hash_norm(self.hash(encoded)))

    def forward(self, clips: Tensor) -> HashOutput:
        """Hash whole clips (B, T, D)."""
        frame_indices = torch.arange(clips.shape[1], device=clips.device).expand(clips.shape[:2])
        encoded = self.encoded(clips, frame_indices)
        mean = self.signs(encoded).mean(dim=1)  # (B, K)
        return HashOutput(encoded, mean, mean)
