"""A linear hash: one sign for each direction of a video's mean feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, repr=False)
class LinearHash:
    """Bits are the signs of ``(mean feature - mean) @ directions``.

    Attributes:
        mean: What is subtracted from a video's mean feature, (D,).
        directions: One column a bit, (D, K).
    """

    mean: npt.NDArray[np.float32]
    directions: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.directions):
            shapes = self.mean.shape, self.directions.shape
            raise ValueError(f"mean and directions differ in D: {shapes}")

    def __repr__(self) -> str:
        return f"LinearHash({len(self.mean)} -> {self.bits} bits)"

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return int(self.directions.shape[1])

    def values(self, means: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Return the numbers whose signs are the bits, (B, K), for mean features (B, D)."""
        return np.asarray((means.astype(np.float32) - self.mean) @ self.directions, np.float32)

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return the codes (B, K) of videos (B, T, D): a bit is 1 where the value is >= 0."""
        return self.values(video_means(features)) >= 0


def video_means(features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return each video's mean feature, (B, D), for frames (B, T, D)."""
    return np.asarray(features.mean(axis=1, dtype=np.float32))
