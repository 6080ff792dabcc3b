"""PCA-ITQ: PCA of mean features and a rotation that minimizes the quantization error.

The main baseline, and the initialization of CHAIN's hash layer.
Gong and Lazebnik, Iterative quantization, CVPR 2011: https://doi.org/10.1109/CVPR.2011.5995432
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..models.linear_hash import LinearHash
from ..models.pca import Array, principal_axes, principal_axes_of_rows

ITERATIONS = 50


def fit_pca_itq(
    means: npt.NDArray[np.floating],
    bits: int,
    *,
    seed: int,
    frame_covariance: Callable[[], Array],
    iterations: int = ITERATIONS,
) -> LinearHash:
    """Fit PCA and the rotation on mean features; the mean absolute output is 1.

    Args:
        means: Mean feature of each training video, (N, D).
        bits: K. Directions beyond the rank of ``means`` come from the PCA of the frames, then from
            random orthogonal directions.
        seed: Seed of the initial rotation and of the random directions.
        frame_covariance: Returns the covariance of the frames, (D, D); called only when needed.
        iterations: Iterations of ITQ.
    """
    rng = np.random.default_rng(seed)
    exact = means.astype(np.float64)
    centre = exact.mean(axis=0)
    exact -= centre  # in place: the means may take a gigabyte
    directions = hash_directions(exact, bits, rng=rng, frame_covariance=frame_covariance)
    values = exact @ directions  # (N, K)
    # SVD leaves the sign of a direction open: make the skewness of its values non-negative, so
    # that the result does not depend on the basis of the features.
    signs = np.where((values**3).sum(axis=0) < 0, -1.0, 1.0)
    directions, values = directions * signs, values * signs
    rotation = itq_rotation(values, rng=rng, iterations=iterations)
    scale = np.abs(values @ rotation).mean() or 1.0
    return LinearHash(centre.astype(np.float32), (directions @ rotation / scale).astype(np.float32))


def itq_rotation(values: Array, *, rng: np.random.Generator, iterations: int = ITERATIONS) -> Array:
    """Find the rotation (K, K) of centred values (N, K) with the lowest quantization error.

    Alternates between the signs of the rotated values and the rotation that fits those signs best
    (orthogonal Procrustes), from a random start.
    """
    bits = values.shape[1]
    rotation = random_orthogonal(np.zeros((bits, 0)), bits, rng)
    for _ in range(iterations):
        signs = np.where(values @ rotation >= 0, 1.0, -1.0)  # (N, K)
        left, _, right = np.linalg.svd(values.T @ signs)
        rotation = left @ right
    return rotation


def hash_directions(
    centred: Array,
    bits: int,
    *,
    rng: np.random.Generator,
    frame_covariance: Callable[[], Array],
) -> Array:
    """Return K projection directions (D, K): PCA of means, then of frames, then random ones.

    They are orthogonal; when K > D, each D of them are.
    """
    _, directions = principal_axes_of_rows(centred, bits)
    if directions.shape[1] < min(bits, len(directions)):
        rest = remaining_covariance(frame_covariance(), directions)
        _, more = principal_axes(rest, bits - directions.shape[1])
        directions = np.hstack([directions, more])
    size = len(directions)
    while (found := directions.shape[1]) < bits:
        taken = directions[:, found // size * size :]  # the block that is not yet full
        directions = np.hstack([directions, random_orthogonal(taken, bits - found, rng)])
    return directions


def remaining_covariance(covariance: Array, directions: Array) -> Array:
    """Project orthonormal directions (D, k) out of a covariance (D, D)."""
    keep = np.eye(len(covariance)) - directions @ directions.T
    rest = keep @ covariance @ keep
    # A remainder at the level of rounding errors has no meaningful directions.
    if np.trace(rest) <= 1e-6 * np.trace(covariance):
        return np.zeros_like(rest)
    symmetric: Array = (rest + rest.T) / 2
    return symmetric


def random_orthogonal(taken: Array, count: int, rng: np.random.Generator) -> Array:
    """Draw up to ``count`` orthonormal directions (D, k) orthogonal to ``taken`` (D, t)."""
    size, used = taken.shape
    count = min(count, size - used)
    drawn = rng.normal(size=(size, count))
    basis, upper = np.linalg.qr(np.hstack([taken, drawn]))
    signs = np.sign(np.diag(upper))[used:]
    return basis[:, used:] * signs
