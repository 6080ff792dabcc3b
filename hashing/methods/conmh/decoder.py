"""ConMH's decoder: from the shown frames' codes to the features of the hidden frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...models.encoders.positional_encoding import sinusoidal_encoding
from .blocks import EPSILON, ConmhBlock, init_xavier


class ConmhDecoder(nn.Module):
    """A small transformer over all places of a video; a hidden one holds one learned vector.

    Args:
        dims: D, numbers a frame.
        hidden_dim: Numbers a frame inside.
        num_layers: How many blocks.
        num_heads: Attention heads of a block.
        feed_forward_dim: Hidden numbers of a block's two-layer part.
        bits: K.
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
        """Rebuild features (B, T - S, D) of the frames at ``masked`` (B, T - S).

        Args:
            signs: A code for each shown frame, (B, S, K).
            visible: Their places, (B, S).
            masked: Places of the others, (B, T - S).
        """
        positions = sinusoidal_encoding(visible.shape[1] + masked.shape[1], self.hidden_dim).to(
            signs
        )
        known = self.input_proj(signs) + positions[visible]
        frames = torch.cat([known, self.mask_token + positions[masked]], dim=1)  # (B, T, width)
        for block in self.blocks:
            frames = block(frames)
        reconstructed: Tensor = self.output_proj(self.norm(frames[:, visible.shape[1] :]))
        return reconstructed
