"""LSH: signs of random projections, a baseline that fits only the mean.

Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002:
https://doi.org/10.1145/509907.509965
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..models.linear_hash import LinearHash


def fit_lsh(means: npt.NDArray[np.floating], bits: int, *, seed: int) -> LinearHash:
    """Draw ``bits`` Gaussian directions around the mean of the videos' mean features.

    Two videos at angle a differ in each bit with probability a / pi.

    Args:
        means: Mean feature of each training video, (N, D).
        bits: K, the length of a code.
        seed: Seed of the directions.
    """
    directions = np.random.default_rng(seed).normal(size=(means.shape[1], bits))
    centre = means.mean(axis=0, dtype=np.float64)
    return LinearHash(centre.astype(np.float32), directions.astype(np.float32))
