"""Interface of a trained model: it encodes features to binary codes."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt


class Hasher(Protocol):
    """Encodes frame features to binary codes."""

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        ...

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Encode videos (B, T, D), for any T, to codes (B, K): true where a value is >= 0."""
        ...
