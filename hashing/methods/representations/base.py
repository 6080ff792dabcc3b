"""Interface of a representation: videos are stored in a few bytes and compared with queries."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...models.hasher import Hasher
from ...retrieval.bitpack import U8, pack
from ...retrieval.hamming import distance_matrix

Features = npt.NDArray[np.floating]
F32 = npt.NDArray[np.float32]
Distances = npt.NDArray[np.float32] | npt.NDArray[np.uint16]


class Representation(Protocol):
    """A representation that was fitted on training videos without labels."""

    def store(self, features: Features) -> U8:
        """Return what is stored of N videos (N, T, D), (N, bytes) uint8."""
        ...

    def distances(self, features: Features, stored: U8) -> Distances:
        """Return the distances from Q videos (Q, T, D) to stored ones (N, bytes), (Q, N).

        Real distances are squared distances or 1 - cosine of vectors of length 1 or so.
        """
        ...


class HashCodes:
    """Packed binary codes and the Hamming distance.

    Args:
        hasher: Encodes videos to codes.
    """

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher

    def store(self, features: Features) -> U8:
        """Encode and pack, (N, ceil(K / 8))."""
        return pack(self._hasher.encode(features))

    def distances(self, features: Features, stored: U8) -> Distances:
        """Count the differing bits, (Q, N)."""
        return distance_matrix(self.store(features), stored)
