"""Residual dropout with one mask for all frames of a clip (variational dropout).

Dropout (2014): https://jmlr.org/papers/v15/srivastava14a.html
The same mask at every time step, Gal and Ghahramani (2016): https://arxiv.org/abs/1512.05287
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...runtime.seeding import dropout_mask


class ResidualDropout(nn.Module):
    """Residual connection with dropout on the branch.

    Args:
        p: Dropout probability, below 1.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, frames: Tensor, added: Tensor) -> Tensor:
        """Return ``frames + dropout(added)``, (B, T, H); draws from torch's default generator."""
        if not self.training or not self.p:
            return frames + added
        return torch.addcmul(frames, added, self._scale(added))

    def _scale(self, added: Tensor) -> Tensor:
        """Draw the mask, scaled by 1 / (1 - p), (B, 1, H)."""
        # Masks are shared by the frames: masks of each frame would average out in the video's mean.
        shape = (len(added), 1, added.shape[2])
        if added.device.type != "cpu" or torch.compiler.is_compiling():
            return F.dropout(added.new_ones(shape), self.p)
        return dropout_mask(shape, p=self.p).to(added.dtype).div_(1 - self.p)
