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
    return sinusoids_at(torch.arange(slots), width)


def sinusoids_at(places: Tensor, width: int) -> Tensor:
    """Return the vectors (..., W) of places (...), which need not be whole numbers."""
    half = (width + 1) // 2
    rates = 10_000.0 ** (-torch.arange(half, device=places.device) / half)  # (W / 2,)
    angles = places[..., None] * rates  # (..., W / 2)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)[..., :width]


def spread(frames: int, slots: int) -> Tensor:
    """Return the places (T,) of a clip's frames, evenly spread over so many slots.

    A network that is trained on clips of a few frames then meets no place that it does not know
    when it is fed with longer ones.

    Example:
        >>> spread(4, 4), spread(8, 4)[:3]
        (tensor([0., 1., 2., 3.]), tensor([-0.2500,  0.2500,  0.7500]))
    """
    return (torch.arange(frames) + 0.5) * slots / frames - 0.5


def spread_shown(shown: Tensor, slots: int) -> Tensor:
    """Return the places (B, T) of frames as :func:`spread` does, as if hidden ones were not there.

    Args:
        shown: Which frames are not hidden, (B, T).
        slots: How many they are spread over.
    """
    before = shown.cumsum(dim=1) - shown.int()
    count = shown.sum(dim=1, keepdim=True).clamp(min=1)
    return (before + 0.5) * slots / count - 0.5
