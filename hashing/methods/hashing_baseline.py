"""Hashing-Baseline: PCA of mean features, a random orthogonal rotation, signs.

Own code from the facts of Moummad, Zaher and others, Hashing-Baseline, 2025:
https://arxiv.org/abs/2509.14427
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..models.linear_hash import LinearHash
from ..models.pca import Array
from .pca_itq import hash_directions, random_orthogonal


def fit_hashing_baseline(
    means: npt.NDArray[np.floating],
    bits: int,
    *,
    seed: int,
    frame_covariance: Callable[[], Array],
) -> LinearHash:
    """Fit PCA and draw the rotation, which spreads the variance over all bits.

    Args:
        means: Mean feature of each training video, (N, D).
        bits: K. Directions beyond the rank of ``means`` are those of PCA-ITQ.
        seed: Seed of the rotation.
        frame_covariance: Returns the covariance of the frames, (D, D); called only when needed.
    """
    rng = np.random.default_rng(seed)
    exact = means.astype(np.float64)
    centre = exact.mean(axis=0)
    exact -= centre
    directions = hash_directions(exact, bits, rng=rng, frame_covariance=frame_covariance)
    rotation = random_orthogonal(np.zeros((bits, 0)), bits, rng)
    return LinearHash(centre.astype(np.float32), (directions @ rotation).astype(np.float32))
