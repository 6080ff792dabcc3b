"""Sinusoidal positional encoding.

Attention is all you need (2017), section 3.5: https://arxiv.org/abs/1706.03762
"""

from __future__ import annotations

import torch
from torch import Tensor


def sinusoidal_encoding(num_slots: int, hidden_dim: int) -> Tensor:
    """Compute the sinusoidal encoding of positions 0, 1, ..., (T, H): sines, then cosines.

    Positions are those of the input sequence, never those of frames in the video: otherwise the
    encoder could read the answer of the frame-order loss from a shuffled clip.

    Example:
        >>> sinusoidal_encoding(2, 2)
        tensor([[0.0000, 1.0000],
                [0.8415, 0.5403]])
    """
    return sinusoidal_encoding_at(torch.arange(num_slots), hidden_dim)


def sinusoidal_encoding_at(positions: Tensor, hidden_dim: int) -> Tensor:
    """Compute the sinusoidal encoding (..., H) of positions (...), which may be fractional."""
    half = (hidden_dim + 1) // 2
    frequencies = 10_000.0 ** (-torch.arange(half, device=positions.device) / half)  # (H / 2,)
    angles = positions[..., None] * frequencies  # (..., H / 2)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)[..., :hidden_dim]


def spread_positions(num_frames: int, num_slots: int) -> Tensor:
    """Rescale the positions of T frames to ``num_slots`` slots, (T,).

    A network trained on views of few frames then sees no new positions in longer clips.

    Example:
        >>> spread_positions(4, 4), spread_positions(8, 4)[:3]
        (tensor([0., 1., 2., 3.]), tensor([-0.2500,  0.2500,  0.7500]))
    """
    return (torch.arange(num_frames) + 0.5) * num_slots / num_frames - 0.5


def spread_unmasked_positions(frame_mask: Tensor, num_slots: int) -> Tensor:
    """Rescale the positions of the unmasked frames as :func:`spread_positions` does, (B, T).

    Args:
        frame_mask: True where a frame is not masked, (B, T).
        num_slots: Number of slots.
    """
    before = frame_mask.cumsum(dim=1) - frame_mask.int()
    count = frame_mask.sum(dim=1, keepdim=True).clamp(min=1)
    return (before + 0.5) * num_slots / count - 0.5
