"""Dropout that hides the same numbers in all frames of a clip.

Dropout (2014): https://jmlr.org/papers/v15/srivastava14a.html
The same mask at every time step, Gal and Ghahramani (2016): https://arxiv.org/abs/1512.05287
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...runtime.seeding import dropout_mask


class ResidualDropout(nn.Module):
    """Adds what a part of an encoder makes of frames to them; in training, a share is left out.

    Args:
        p: Of what is added, below 1; the rest is enlarged, so that its expected value stays.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, frames: Tensor, added: Tensor) -> Tensor:
        """Return the sum of two (B, T, H); chance is torch's own."""
        if not self.training or not self.p:
            return frames + added
        return torch.addcmul(frames, added, self._scale(added))

    def _scale(self, added: Tensor) -> Tensor:
        """Draw what each number of a clip is multiplied by, (B, 1, H)."""
        shape = (len(added), 1, added.shape[2])
        if added.device.type != "cpu" or torch.compiler.is_compiling():
            return F.dropout(added.new_ones(shape), self.p)
        return dropout_mask(shape, p=self.p).to(added.dtype).div_(1 - self.p)
