"""General bits of the videos [ours]: what no task trains, so that no task can harm it.

They are fitted on the features as stored, so that nothing the tasks or the input's normalization
bring together is folded: copies of a video among similar ones are told apart by small differences.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...models.linear_hash import LinearHash
from ...models.pca import RANK_TOLERANCE, Array, principal_axes_of_rows
from ..pca_itq import fit_pca_itq

COMPONENTS = 128  # of the residual, at most [ours]
WHITENING = 0.35  # exponent, so that more components have a say than there are bits [ours]
_RANK = 1e3 * RANK_TOLERANCE  # of the residual: below it are rounding errors


def general_hash(
    inputs: npt.NDArray[np.floating],
    matrix: npt.NDArray[np.floating],
    *,
    bits: int,
    count: int,
    residual: float,
    seed: int,
) -> LinearHash:
    """Fit the general bits of a code on the inputs (n, M) of its hash layer.

    They are bits of PCA-ITQ, and bits of the components that PCA-ITQ of so few bits leaves out.

    Args:
        inputs: Mean projected features.
        matrix: What features are projected by, (D, M); its effect on distances is undone.
        bits: K, the length of the code.
        count: G, number of general bits.
        residual: Fraction of K that shows the components left out; at most G bits.
        seed: Seed of the rotations.
    """
    undo = undo_map(matrix.astype(np.float64))
    plain = inputs.astype(np.float64) @ undo
    centre = plain.mean(axis=0)
    rest = min(count, int(bits * residual))
    covariance = np.cov(plain.T, bias=True).reshape(len(centre), -1)
    chosen = fit_pca_itq(plain, bits - rest, seed=seed, frame_covariance=lambda: covariance)
    more = residual_directions(
        plain - centre, chosen.directions.astype(np.float64), count=rest, seed=seed
    )
    directions = np.hstack([chosen.directions[:, : count - more.shape[1]], more])
    return LinearHash(
        inputs.mean(axis=0).astype(np.float32), (undo @ directions).astype(np.float32)
    )


def undo_map(matrix: Array) -> Array:
    """Return the map (M, M) after which projected features have the distances of those before.

    That is, of their parts within the span of the projection ``matrix`` (D, M).
    """
    values, vectors = np.linalg.eigh(matrix.T @ matrix)
    kept = values > RANK_TOLERANCE * values[-1]
    undone: Array = (vectors[:, kept] * values[kept] ** -0.5) @ vectors[:, kept].T
    return undone


def residual_directions(centred: Array, chosen: Array, *, count: int, seed: int) -> Array:
    """Return PCA-ITQ directions (D, count) of what directions (D, k) leave of rows (n, D).

    Its components are whitened by ``WHITENING``. Where nothing is left, there are none, (D, 0).
    """
    basis, _ = np.linalg.qr(chosen)
    rest = centred - (centred @ basis) @ basis.T
    if not count or (rest**2).sum() <= _RANK * (centred**2).sum():
        return np.zeros((len(chosen), 0))
    values, axes = principal_axes_of_rows(rest, COMPONENTS)
    scaled = axes * values**-WHITENING
    found = fit_pca_itq(
        rest @ scaled, count, seed=seed, frame_covariance=lambda: np.eye(scaled.shape[1])
    )
    # Of the same scale as the other bits: the mean absolute value over the rows is 1.
    left: Array = (np.eye(len(chosen)) - basis @ basis.T) @ scaled @ found.directions
    return left
