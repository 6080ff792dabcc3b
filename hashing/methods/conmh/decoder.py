"""ConMH's decoder: reconstruct masked frames' features from visible frames' codes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...models.encoders.positional_encoding import sinusoidal_encoding
from .blocks import ConmhBlock, init_xavier
from .config import EPSILON


class ConmhDecoder(nn.Module):
    """Transformer over all positions of a video; masked positions get a learned mask token.

    Args:
        dims: D, feature dimensions.
        hidden_dim: Hidden size of the decoder.
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
        self.blocks = nn.ModuleList(
            ConmhBlock(
                hidden_dim=hidden_dim, num_heads=num_heads, feed_forward_dim=feed_forward_dim
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(hidden_dim, eps=EPSILON)
        self.output_proj = nn.Linear(hidden_dim, dims)
        init_xavier(self)
        self.hidden_dim = hidden_dim
        self.input_proj = nn.Linear(bits, hidden_dim, bias=False)
        self.mask_token = nn.Parameter(torch.empty(hidden_dim))
        nn.init.trunc_normal_(self.mask_token, std=0.02, a=-0.02, b=0.02)

    def forward(self, signs: Tensor, visible: Tensor, masked: Tensor) -> Tensor:
        """Reconstruct the features of masked frames, (B, T - S, D).

        Args:
            signs: Code of each visible frame, (B, S, K).
            visible: Positions of the visible frames, (B, S).
            masked: Positions of the masked frames, (B, T - S).
        """
        positions = sinusoidal_encoding(visible.shape[1] + masked.shape[1], self.hidden_dim).to(
            signs
        )
        known = self.input_proj(signs) + positions[visible]
        frames = torch.cat(
            [known, self.mask_token + positions[masked]], dim=1
        )  # (B, T, hidden_dim)
        for block in self.blocks:
            frames = block(frames)
        reconstructed: Tensor = self.output_proj(self.norm(frames[:, visible.shape[1] :]))
        return reconstructed
