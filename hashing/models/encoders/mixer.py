"""The MC-MLP encoder: an MLP-mixer over points of a clip, gated by three ranges of context.

MLP-mixer (2021): https://arxiv.org/abs/2105.01601
MC-MLP of MCMSH (2022), read in its abstract only: self-gating modules for long, middle and short
range inside an MLP-mixer: https://doi.org/10.1145/3503161.3547836
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .dropout import Dropout
from .resample import nearness, to_frames, to_points

HIDDEN = 2  # hidden numbers of the mixing over time, as a multiple of the points, as in MLP-mixer
RANGES = (1.0, 0.25)  # long, middle: share of the clip on both sides; short is one point


class RangeGate(nn.Module):
    """Every number of a point is weighed by its surroundings: near, wider, whole clip [I].

    Args:
        width: W, numbers a point.
        points: P.
    """

    around: Tensor

    def __init__(self, *, width: int, points: int) -> None:
        super().__init__()
        reaches = [max(1, round(share * points)) for share in RANGES] + [1]
        away = (torch.arange(points)[:, None] - torch.arange(points)).abs()  # (P, P)
        windows = torch.stack([(away <= reach).float() for reach in reaches])  # (3, P, P)
        means = windows / windows.sum(dim=2, keepdim=True)
        self.register_buffer("around", means, persistent=False)
        self.gates = nn.ModuleList(nn.Linear(width, width) for _ in reaches)

    def forward(self, points: Tensor) -> Tensor:
        """Weigh points (B, P, W); weights lie between 0 and 2."""
        weights = torch.zeros_like(points)
        for gate, around in zip(self.gates, self.around, strict=True):
            weights = weights + gate(around @ points).sigmoid()
        return points * weights * (2 / len(self.gates))


class MixerBlock(nn.Module):
    """One pre-norm block: gates and a mix over time, then a two-layer part, each beside a skip.

    Args:
        width: W, numbers a point.
        points: P.
        feed_forward: Hidden numbers of the two-layer part.
        dropout: Share of what each part adds that is set to zero in training.
    """

    def __init__(self, *, width: int, points: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.time_norm = nn.LayerNorm(width)
        self.gate = RangeGate(width=width, points=points)
        self.time = _two_layers(points, HIDDEN * points)
        self.feed_norm = nn.LayerNorm(width)
        self.feed = _two_layers(width, feed_forward)
        self.dropout = Dropout(dropout)

    def forward(self, points: Tensor) -> Tensor:
        """Transform points (B, P, W)."""
        gated = self.gate(self.time_norm(points))
        points = self.dropout(points, self.time(gated.transpose(1, 2)).transpose(1, 2))
        result: Tensor = self.dropout(points, self.feed(self.feed_norm(points)))
        return result


class MixerEncoder(nn.Module):
    """Linear map, mixer blocks over P points of the clip, and what they add read at each frame.

    A mixer's matrix over time fixes the number of frames. This one knows P points spread over
    the clip instead, and frames are resampled to them by their relative place [I].

    Args:
        dims: M, numbers a frame that come in.
        width: W, numbers a frame that come out.
        layers: How many blocks.
        points: P.
        feed_forward: Hidden numbers of a block's two-layer part.
        dropout: Share of what a block adds that is set to zero in training.
    """

    def __init__(
        self,
        *,
        dims: int,
        width: int,
        layers: int,
        points: int,
        feed_forward: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.width, self.points = width, points
        self.enter = nn.Linear(dims, width)
        self.blocks = nn.Sequential(
            *(
                MixerBlock(width=width, points=points, feed_forward=feed_forward, dropout=dropout)
                for _ in range(layers)
            )
        )

    def forward(self, clips: Tensor, shown: Tensor | None = None) -> Tensor:
        """Encode clips (B, T, M) to (B, T, W)."""
        return self.mix(self.enter(clips), shown)

    def mix(self, frames: Tensor, shown: Tensor | None = None) -> Tensor:
        """Let frames (B, T, W) look at each other."""
        near = nearness(frames.shape[1], self.points, shown).to(frames)
        points = to_points(frames, near)
        return frames + to_frames(self.blocks(points) - points, near)

    def mean(self, frames: Tensor) -> Tensor:
        """Return the mean over time of :meth:`mix`, (B, W)."""
        return self.mix(frames).mean(dim=1)


def _two_layers(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
