"""An encoder of your own: a gated recurrent unit over the frames.

Use: chainpipe train feats.h5 --plugin my_encoder.py --set encoder.kind=gru
"""

from __future__ import annotations

from torch import Tensor, nn

from chainpipe.plugins import EncoderConfig, register


@register.encoder("gru")
class GruEncoder(nn.Module):
    """A linear map of each frame, then a GRU beside a residual connection."""

    recurrent = True  # `views.num_frames` of `auto` gives it longer views

    def __init__(self, *, dims: int, hidden_dim: int, num_layers: int) -> None:
        super().__init__()
        self.hidden_dim = hidden_dim
        self.input_proj = nn.Linear(dims, hidden_dim)
        self.gru = nn.GRU(hidden_dim, hidden_dim, num_layers, batch_first=True)

    @classmethod
    def from_config(cls, config: EncoderConfig, dims: int) -> GruEncoder:
        """Build the encoder of frames of M = ``dims`` numbers."""
        return cls(dims=dims, hidden_dim=config.hidden_dim, num_layers=config.num_layers)

    def forward(self, clips: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Encode clips (B, T, M) to (B, T, H)."""
        return self.mix(self.input_proj(clips), frame_mask)

    def mix(self, frames: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Let frames (B, T, H) look at those before them; masked ones are read as zeros."""
        if frame_mask is not None:
            frames = frames * frame_mask[:, :, None]
        mixed: Tensor = frames + self.gru(frames)[0]
        return mixed

    def mean(self, frames: Tensor) -> Tensor:
        """Return the mean over time of :meth:`mix`, (B, H)."""
        return self.mix(frames).mean(dim=1)
