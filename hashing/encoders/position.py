"""Fixed sinusoids: each slot of a clip has its own vector.

Attention is all you need (2017), section 3.5: https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

import torch
from torch import Tensor


def sinusoids(slots: int, width: int) -> Tensor:
    """Return one vector a slot, (T, W): sines, then cosines, of falling frequency.

    A vector belongs to a slot of the clip as it is fed, never to a frame's place in the video: fed
    with a shuffled clip, the encoder is not told the answer.

    Example:
        >>> sinusoids(2, 2)
        tensor([[0.0000, 1.0000],
                [0.8415, 0.5403]])
    """
    half = (width + 1) // 2
    rates = 10_000.0 ** (-torch.arange(half) / half)  # (W / 2,)
    angles = torch.arange(slots)[:, None] * rates  # (T, W / 2)
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :width]
