"""Random codes: bits drawn from a hash of the features, the chance level of retrieval."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class RandomHash:
    """Random codes without similarity information; equal features get equal codes.

    Attributes:
        bits: K, the length of a code.
        seed: Seed of the codes.
    """

    bits: int
    seed: int

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return the codes (B, K) of videos (B, T, D)."""
        codes = np.empty((len(features), self.bits), bool)
        for code, frames in zip(codes, features.astype(np.float32), strict=True):
            digest = hashlib.sha256(f"{self.seed}:".encode() + frames.tobytes()).digest()
            rng = np.random.default_rng(int.from_bytes(digest, "little"))
            code[:] = rng.integers(0, 2, self.bits)
        return codes

    def values(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Return -1 or 1 for each bit (B, K): a random bit is as sure as any other."""
        return np.where(self.encode(features), np.float32(1), np.float32(-1))
