"""What a finished model is to everybody else: something that encodes."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt


class Hasher(Protocol):
    """Whatever turns frame features into codes."""

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        ...

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return the codes (B, K) of videos (B, T, D), for any T: 1 where a value is >= 0."""
        ...
