"""ConMH's network: shown frames in, a sign for each frame and bit out, their mean is the code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...models.binarizers import sign
from ...models.encoders.positional_encoding import sinusoids
from ...models.hash_model import Hashed
from .blocks import EPSILON, Block, start

_BATCH = 128  # videos encoded at once


class ConmhModel(nn.Module):
    """Encoder and hash layer; raw features go in, as published.

    Args:
        dims: D, numbers a frame.
        width: W, numbers a frame inside.
        layers: How many blocks.
        heads: Attention heads of a block.
        feed_forward: Hidden numbers of a block's two-layer part.
        bits: K.
    """

    def __init__(
        self, *, dims: int, width: int, layers: int, heads: int, feed_forward: int, bits: int
    ) -> None:
        super().__init__()
        self.width = width
        self.enter = nn.Linear(dims, width)
        self.blocks = nn.ModuleList(
            Block(width=width, heads=heads, feed_forward=feed_forward) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.leave = nn.Linear(width, width)
        start(self)
        self.hash = nn.Linear(width, bits)
        self.hash_norm = nn.LayerNorm(bits)

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return self.hash.out_features

    def encoded(self, frames: Tensor, places: Tensor) -> Tensor:
        """Encode frames (B, S, D) that stand at ``places`` (B, S) of their video, (B, S, W).

        A frame that is not shown is not there at all: the encoder never sees it.
        """
        table = sinusoids(int(places.max()) + 1, self.width).to(frames)
        hidden: Tensor = self.enter(frames) + table[places]
        for block in self.blocks:
            hidden = block(hidden)
        result: Tensor = self.leave(self.norm(hidden))
        return result

    def signs(self, encoded: Tensor) -> Tensor:
        """Return a sign for each bit of encoded frames (B, S, W), (B, S, K)."""
        return sign(self.hash_norm(self.hash(encoded)))

    def forward(self, clips: Tensor) -> Hashed:
        """Hash whole clips (B, T, D)."""
        places = torch.arange(clips.shape[1], device=clips.device).expand(clips.shape[:2])
        encoded = self.encoded(clips, places)
        mean = self.signs(encoded).mean(dim=1)  # (B, K)
        return Hashed(encoded, mean, mean)

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return the codes (N, K) of videos (N, T, D): 1 where at least half the signs are +1."""
        self.eval()
        codes = np.empty((len(features), self.bits), bool)
        device = self.enter.weight.device
        with torch.inference_mode():
            for first in range(0, len(features), _BATCH):
                part = torch.from_numpy(features[first : first + _BATCH].astype(np.float32))
                codes[first : first + len(part)] = (self(part.to(device)).values >= 0).cpu().numpy()
        return codes
