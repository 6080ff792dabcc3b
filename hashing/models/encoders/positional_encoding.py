"""Fixed sinusoids: each slot of a clip has its own vector.

Attention is all you need (2017), section 3.5: https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

import torch
from torch import Tensor


def sinusoidal_encoding(num_slots: int, hidden_dim: int) -> Tensor:
    """Return one vector a slot, (T, H): sines, then cosines, of falling frequency.

    A vector belongs to a slot of the clip as it is fed, never to a frame's place in the video: fed
    with a shuffled clip, the encoder is not told the answer.

    Example:
        >>> sinusoidal_encoding(2, 2)
        tensor([[0.0000, 1.0000],
                [0.8415, 0.5403]])
    """
    return sinusoidal_encoding_at(torch.arange(num_slots), hidden_dim)


def sinusoidal_encoding_at(positions: Tensor, hidden_dim: int) -> Tensor:
    """Return the vectors (..., H) of places (...), which need not be whole numbers."""
    half = (hidden_dim + 1) // 2
    rates = 10_000.0 ** (-torch.arange(half, device=positions.device) / half)  # (W / 2,)
    angles = positions[..., None] * rates  # (..., H / 2)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)[..., :hidden_dim]


def spread_positions(num_frames: int, num_slots: int) -> Tensor:
    """Return the places (T,) of a clip's frames, evenly spread over so many slots.

    A network that is trained on clips of a few frames then meets no place that it does not know
    when it is fed with longer ones.

    Example:
        >>> spread_positions(4, 4), spread_positions(8, 4)[:3]
        (tensor([0., 1., 2., 3.]), tensor([-0.2500,  0.2500,  0.7500]))
    """
    return (torch.arange(num_frames) + 0.5) * num_slots / num_frames - 0.5


def spread_unmasked_positions(frame_mask: Tensor, num_slots: int) -> Tensor:
    """Return the places (B, T) of frames as :func:`spread_positions` does, without the hidden ones.

    Args:
        frame_mask: Which frames are not hidden, (B, T).
        num_slots: How many they are spread over.
    """
    before = frame_mask.cumsum(dim=1) - frame_mask.int()
    count = frame_mask.sum(dim=1, keepdim=True).clamp(min=1)
    return (before + 0.5) * num_slots / count - 0.5
