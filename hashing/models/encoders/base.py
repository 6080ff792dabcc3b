"""What a temporal encoder is."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn


class Encoder(Protocol):
    """Lets the frames of a clip look at each other, for any number of frames.

    An encoder is a linear map of each frame, ``enter``, and what follows it, ``mix``. The two stand
    apart because encoding melts ``enter`` into the fixed front (see ``hashing.models.fused_hasher``).

    Attributes:
        width: W, numbers a frame that come out.
        enter: From M to W numbers.
    """

    width: int
    enter: nn.Linear

    def __call__(self, clips: Tensor, shown: Tensor | None = None) -> Tensor:
        """Encode clips (B, T, M) to (B, T, W).

        Args:
            clips: (B, T, M).
            shown: Which frames exist, (B, T) bool; ``None`` means all. What stands in the others
                changes nothing in those that exist.
        """
        ...

    def mix(self, frames: Tensor, shown: Tensor | None = None) -> Tensor:
        """Do what follows ``enter``: frames (B, T, W) to (B, T, W)."""
        ...

    def mean(self, frames: Tensor) -> Tensor:
        """Return the mean over time of :meth:`mix`, (B, W); it may be cheaper than all frames."""
        ...
