"""Signs of every feature: D bits a video."""

from __future__ import annotations

import numpy as np

from ...models.linear_hash import LinearHash
from .base import F32


def fit_signs(means: F32, *, centred: bool = True) -> LinearHash:
    """Return the hash whose bits are the signs of all D mean features around their training mean.

    Without centring, features after a ReLU are never negative, so every bit of every video is 1 and
    all codes are equal.

    Args:
        means: Mean features of the training videos, (N, D).
        centred: Subtract the mean of the training videos first.
    """
    dim = means.shape[1]
    centre = means.mean(axis=0, dtype=np.float64) if centred else np.zeros(dim)
    return LinearHash(centre.astype(np.float32), np.eye(dim, dtype=np.float32))
