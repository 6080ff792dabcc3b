"""Bidirectional LSTM encoder.

Bidirectional recurrent neural networks (1997): https://doi.org/10.1109/78.650093
"""

from __future__ import annotations

from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ...config.model import EncoderConfig
from .dropout import ResidualDropout


class BidirectionalLstm(nn.Module):
    """Bidirectional LSTM layer with H / 2 units in each direction [I].

    Args:
        hidden_dim: H; if odd, the last unit of the backward direction is dropped.
    """

    def __init__(self, *, hidden_dim: int) -> None:
        super().__init__()
        half = (hidden_dim + 1) // 2
        self.lstm = nn.LSTM(hidden_dim, half, batch_first=True, bidirectional=True)

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Encode frames (B, T, H), the first ``lengths`` (B,) of which are valid.

        ``lengths`` is on the CPU, as packing requires.
        """
        hidden_dim = frames.shape[2]
        if lengths is None:
            return self._read(frames)[..., :hidden_dim]
        packed = pack_padded_sequence(frames, lengths, batch_first=True, enforce_sorted=False)
        read, _ = self.lstm(packed)
        padded, _ = pad_packed_sequence(read, batch_first=True, total_length=frames.shape[1])
        return padded[..., :hidden_dim]

    def _read(self, frames: Tensor) -> Tensor:
        read: Tensor = self.lstm(frames)[0]
        return read


class LstmEncoder(nn.Module):
    """Linear projection, then residual bidirectional LSTM layers.

    Masked frames are skipped at any position: the clip is encoded as if they were removed.

    Args:
        dims: M, size of an input frame.
        hidden_dim: H, size of an encoded frame.
        num_layers: Number of bidirectional layers.
        dropout: Dropout probability on each residual branch.
    """

    recurrent: ClassVar[bool] = True  # `views.num_frames` of `auto` is longer for it

    def __init__(self, *, dims: int, hidden_dim: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        self.hidden_dim = hidden_dim
        self.input_proj = nn.Linear(dims, hidden_dim)
        self.layers = nn.ModuleList(
            BidirectionalLstm(hidden_dim=hidden_dim) for _ in range(num_layers)
        )
        self.dropout = ResidualDropout(dropout)

    @classmethod
    def from_config(cls, config: EncoderConfig, dims: int) -> Self:
        """Build the encoder of frames of M = ``dims`` numbers."""
        return cls(
            dims=dims,
            hidden_dim=config.hidden_dim,
            num_layers=config.num_layers,
            dropout=config.dropout,
        )

    def forward(self, clips: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Encode clips (B, T, M) to (B, T, H)."""
        return self.mix(self.input_proj(clips), frame_mask)

    def mix(self, frames: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Mix frames (B, T, H) over time."""
        if frame_mask is None:
            return self._through(frames, None)
        order = (~frame_mask).int().argsort(dim=1, stable=True)[:, :, None]  # unmasked frames first
        lengths = frame_mask.sum(dim=1).clamp(min=1).cpu()
        mixed = self._through(torch.take_along_dim(frames, order, dim=1), lengths)
        return torch.take_along_dim(mixed, order.argsort(dim=1), dim=1)

    def mean(self, frames: Tensor) -> Tensor:
        """Compute the mean over time of :meth:`mix`, (B, H)."""
        return self.mix(frames).mean(dim=1)

    def _through(self, frames: Tensor, lengths: Tensor | None) -> Tensor:
        for layer in self.layers:
            frames = self.dropout(frames, layer(frames, lengths))
        return frames
