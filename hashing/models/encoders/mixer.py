"""MC-MLP encoder: an MLP-mixer over tokens of a clip, gated by three ranges of context.

P is here the number of tokens: points at fixed relative times of a clip.

MLP-mixer (2021): https://arxiv.org/abs/2105.01601
MC-MLP of MCMSH (2022), read in its abstract only: self-gating modules for long, middle and short
range inside an MLP-mixer: https://doi.org/10.1145/3503161.3547836
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from ...config.model import EncoderConfig
from .dropout import ResidualDropout
from .resample import interpolation_weights, to_frames, to_points

HIDDEN = 2  # hidden size of the token mixer, as a multiple of P, as in MLP-mixer
RANGES = (1.0, 0.25)  # long, middle: fraction of the clip on both sides; short: one point


class RangeGate(nn.Module):
    """Self-gating by short-, middle- and long-range context [I].

    Args:
        hidden_dim: H.
        points: P.
    """

    around: Tensor

    def __init__(self, *, hidden_dim: int, points: int) -> None:
        super().__init__()
        reaches = [max(1, round(fraction * points)) for fraction in RANGES] + [1]
        away = (torch.arange(points)[:, None] - torch.arange(points)).abs()  # (P, P)
        windows = torch.stack([(away <= reach).float() for reach in reaches])  # (3, P, P)
        means = windows / windows.sum(dim=2, keepdim=True)
        self.register_buffer("around", means, persistent=False)
        self.gates = nn.ModuleList(nn.Linear(hidden_dim, hidden_dim) for _ in reaches)

    def forward(self, points: Tensor) -> Tensor:
        """Multiply points (B, P, H) by gates between 0 and 2."""
        weights = torch.zeros_like(points)
        for gate, around in zip(self.gates, self.around, strict=True):
            weights = weights + gate(around @ points).sigmoid()
        return points * weights * (2 / len(self.gates))


class MixerBlock(nn.Module):
    """Pre-norm mixer block: gated token mixer, then feed-forward layer, both residual.

    Args:
        hidden_dim: H.
        points: P.
        feed_forward_dim: Hidden size of the feed-forward layer.
        dropout: Dropout probability on each residual branch.
    """

    def __init__(
        self, *, hidden_dim: int, points: int, feed_forward_dim: int, dropout: float
    ) -> None:
        super().__init__()
        self.token_mixer_norm = nn.LayerNorm(hidden_dim)
        self.gate = RangeGate(hidden_dim=hidden_dim, points=points)
        self.token_mixer = _mlp(points, HIDDEN * points)
        self.feed_forward_norm = nn.LayerNorm(hidden_dim)
        self.feed_forward = _mlp(hidden_dim, feed_forward_dim)
        self.dropout = ResidualDropout(dropout)

    def forward(self, points: Tensor) -> Tensor:
        """Transform points (B, P, H)."""
        gated = self.gate(self.token_mixer_norm(points))
        points = self.dropout(points, self.token_mixer(gated.transpose(1, 2)).transpose(1, 2))
        result: Tensor = self.dropout(points, self.feed_forward(self.feed_forward_norm(points)))
        return result


class MixerEncoder(nn.Module):
    """Linear projection, mixer blocks over P points of the clip, interpolation back to frames.

    The token mixer's weight matrix fixes the number of tokens, so frames are resampled to P points
    by their relative time, and the blocks' residual is interpolated at each frame [I].

    Args:
        dims: M, size of an input frame.
        hidden_dim: H, size of an encoded frame.
        num_layers: Number of blocks.
        points: P.
        feed_forward_dim: Hidden size of the feed-forward layer.
        dropout: Dropout probability on each residual branch.
    """

    def __init__(
        self,
        *,
        dims: int,
        hidden_dim: int,
        num_layers: int,
        points: int,
        feed_forward_dim: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.hidden_dim, self.points = hidden_dim, points
        self.input_proj = nn.Linear(dims, hidden_dim)
        self.blocks = nn.Sequential(
            *(
                MixerBlock(
                    hidden_dim=hidden_dim,
                    points=points,
                    feed_forward_dim=feed_forward_dim,
                    dropout=dropout,
                )
                for _ in range(num_layers)
            )
        )

    @classmethod
    def from_config(cls, config: EncoderConfig, dims: int) -> Self:
        """Build the encoder of frames of M = ``dims`` numbers."""
        return cls(
            dims=dims,
            hidden_dim=config.hidden_dim,
            num_layers=config.num_layers,
            points=config.mixer_tokens,
            feed_forward_dim=config.feed_forward_dim,
            dropout=config.dropout,
        )

    def forward(self, clips: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Encode clips (B, T, M) to (B, T, H)."""
        return self.mix(self.input_proj(clips), frame_mask)

    def mix(self, frames: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Mix frames (B, T, H) over time."""
        weights = interpolation_weights(frames.shape[1], self.points, frame_mask).to(frames)
        points = to_points(frames, weights)
        # Only the change is interpolated, so frames lose no detail that P points cannot carry.
        return frames + to_frames(self.blocks(points) - points, weights)

    def mean(self, frames: Tensor) -> Tensor:
        """Compute the mean over time of :meth:`mix`, (B, H)."""
        return self.mix(frames).mean(dim=1)


def _mlp(hidden_dim: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(hidden_dim, hidden), nn.GELU(), nn.Linear(hidden, hidden_dim))
