"""Interface of temporal encoders."""

from __future__ import annotations

from typing import Protocol, Self

from torch import Tensor, nn

from ...config.model import EncoderConfig


class Encoder(Protocol):
    """Mixes the frames of a clip over time, for any T.

    An encoder is ``mix`` after a linear projection of each frame, ``input_proj``. The two are
    separate because encoding fuses ``input_proj`` with PCA whitening (see
    ``hashing.models.fused_hasher``).

    Attributes:
        hidden_dim: H, size of an encoded frame.
        input_proj: Linear projection from M to H.
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
            clips: Frames, (B, T, M).
            frame_mask: True where a frame is not masked, (B, T) bool; ``None``: no frame is masked.
                Masked frames must not change the outputs of the others.
        """
        ...

    def mix(self, frames: Tensor, frame_mask: Tensor | None = None) -> Tensor:
        """Mix projected frames (B, T, H) over time, (B, T, H)."""
        ...

    def mean(self, frames: Tensor) -> Tensor:
        """Compute the mean over time of :meth:`mix`, (B, H), perhaps cheaper than all frames."""
        ...
