"""What a temporal encoder is."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Encoder(Protocol):
    """Lets the frames of a clip look at each other, for any number of frames.

    Attributes:
        width: W, numbers a frame that come out.
    """

    width: int

    def __call__(self, clips: Tensor, shown: Tensor | None = None) -> Tensor:
        """Encode clips (B, T, M) to (B, T, W).

        Args:
            clips: (B, T, M).
            shown: Which frames exist, (B, T) bool; ``None`` means all. What stands in the others
                changes nothing in those that exist.
        """
        ...
