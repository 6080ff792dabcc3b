"""Linear hashing: the signs of linear projections of a video's mean feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, repr=False)
class LinearHash:
    """Linear hash: bits are the signs of ``(mean feature - mean) @ directions``.

    Attributes:
        mean: Mean of the mean features, (D,).
        directions: Projection, one column a bit, (D, K).
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

    def project(self, means: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Compute the values (B, K), whose signs are the bits, of mean features (B, D)."""
        return np.asarray((means.astype(np.float32) - self.mean) @ self.directions, np.float32)

    def values(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Map videos (B, T, D) to values (B, K), whose signs are the bits."""
        return self.project(video_means(features))

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Encode videos (B, T, D) to codes (B, K): a bit is true where the value is >= 0."""
        return self.values(features) >= 0


def video_means(features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Average frames (B, T, D) over time, (B, D), in float32: stores may have float16."""
    return np.asarray(features.mean(axis=1, dtype=np.float32))
