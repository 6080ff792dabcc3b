"""What a temporal encoder is."""

from __future__ import annotations

from typing import Protocol, Self

from torch import Tensor, nn

from ...config.model import EncoderConfig


class Encoder(Protocol):
    """Lets the frames of a clip look at each other, for any number of frames.

    An encoder is a linear map of each frame, ``input_proj``, and what follows it, ``mix``. The two
    stand apart because encoding melts ``input_proj`` into the fixed front (see
    ``hashing.models.fused_hasher``).

    Attributes:
        hidden_dim: H, numbers a frame that come out.
        input_proj: From M to H numbers.
    """

    hidden_dim: int
    input_proj: nn.Linear

    @classmethod
    def from_config(cls, config: EncoderConfig, dims: int, /) -> Self:
        """Build the encoder of frames of M = ``dims`` numbers."""
        ...

    def __call__(self, clips: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Encode clips (B, T, M) to (B, T, H).

        Args:
            clips: (B, T, M).
            frame_mask: Which frames exist, (B, T) bool; ``None`` means all. What stands in the
                others changes nothing in those that exist.
        """
        ...

    def mix(self, frames: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Do what follows ``input_proj``: frames (B, T, H) to (B, T, H)."""
        ...

    def mean(self, frames: Tensor) -> Tensor:
        """Return the mean over time of :meth:`mix`, (B, H); it may be cheaper than all frames."""
        ...
