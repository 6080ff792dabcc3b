"""ConMH's decoder: from the shown frames' codes to the features of the hidden frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...models.encoders.positional_encoding import sinusoids
from .blocks import EPSILON, Block, start


class ConmhDecoder(nn.Module):
    """A small transformer over all places of a video; a hidden one holds one learned vector.

    Args:
        dims: D, numbers a frame.
        width: Numbers a frame inside.
        layers: How many blocks.
        heads: Attention heads of a block.
        feed_forward: Hidden numbers of a block's two-layer part.
        bits: K.
    """

    def __init__(
        self, *, dims: int, width: int, layers: int, heads: int, feed_forward: int, bits: int
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(width=width, heads=heads, feed_forward=feed_forward) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.leave = nn.Linear(width, dims)
        start(self)
        self.width = width
        self.enter = nn.Linear(bits, width, bias=False)
        self.unseen = nn.Parameter(torch.empty(width))
        nn.init.trunc_normal_(self.unseen, std=0.02, a=-0.02, b=0.02)

    def forward(self, signs: Tensor, shown: Tensor, hidden: Tensor) -> Tensor:
        """Rebuild features (B, H, D) of the frames at ``hidden`` (B, H).

        Args:
            signs: A code for each shown frame, (B, S, K).
            shown: Their places, (B, S).
            hidden: Places of the others, (B, H).
        """
        table = sinusoids(shown.shape[1] + hidden.shape[1], self.width).to(signs)
        known = self.enter(signs) + table[shown]
        frames = torch.cat([known, self.unseen + table[hidden]], dim=1)  # (B, T, width)
        for block in self.blocks:
            frames = block(frames)
        rebuilt: Tensor = self.leave(self.norm(frames[:, shown.shape[1] :]))
        return rebuilt
