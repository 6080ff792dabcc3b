"""PCA: mean, covariance and principal axes, in float64.

float64, since small eigenvalues of a float32 covariance would be rounding errors, which whitening
would amplify.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

RANK_TOLERANCE = 1e-9
"""Eigenvalues below this fraction of the largest one count as zero."""

_FULL_EIGH = 2048  # up to this size the exact solver takes about two seconds


@dataclass(frozen=True, slots=True, repr=False)
class MeanCovariance:
    """Mean and covariance of a set of vectors.

    Attributes:
        count: Number of vectors.
        mean: Mean, (D,).
        covariance: Covariance, normalized by the count, (D, D).
    """

    count: int
    mean: Array
    covariance: Array

    def __repr__(self) -> str:
        return f"MeanCovariance({self.count} vectors x {len(self.mean)})"


def mean_covariance(chunks: Iterable[npt.NDArray[np.floating]]) -> MeanCovariance:
    """Compute the mean and covariance of vectors in chunks (n, D), in one pass.

    Sums are taken around the mean of the first chunk, so that a large mean causes no cancellation.

    Raises:
        ValueError: If there are no vectors.

    Example:
        >>> mean_covariance([np.array([[0.0, 1.0]]), np.array([[2.0, 1.0]])]).covariance
        array([[1., 0.],
               [0., 0.]])
    """
    rest = iter(chunks)
    first = next(rest, None)
    if first is None or not len(first):
        raise ValueError("mean of no vectors")
    shift: Array = first.mean(axis=0, dtype=np.float64)
    count, total, square = 0, np.zeros_like(shift), np.zeros((len(shift), len(shift)))
    for chunk in chain([first], rest):
        values = chunk.astype(np.float64) - shift  # (n, D)
        count += len(values)
        total += values.sum(axis=0)
        square += values.T @ values
    offset = total / count
    return MeanCovariance(count, shift + offset, square / count - np.outer(offset, offset))


def principal_axes(covariance: Array, count: int) -> tuple[Array, Array]:
    """Compute the largest eigenvalues and eigenvectors, up to the numerical rank.

    The largest entry of each eigenvector is made positive: solvers return either sign.

    Args:
        covariance: Symmetric matrix, (D, D).
        count: Maximum number of eigenvectors.

    Returns:
        Eigenvalues, descending, (k,), and eigenvectors, (D, k), with k <= count.

    Example:
        >>> values, directions = principal_axes(np.diag([1.0, 4.0, 0.0]), 3)
        >>> values
        array([4., 1.])
        >>> directions[:, 0]
        array([0., 1., 0.])
    """
    size = len(covariance)
    if size <= _FULL_EIGH or 4 * count >= size:
        values, vectors = np.linalg.eigh(covariance)
    else:
        values, vectors = _subspace_eigh(covariance, count + 16)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    kept = values > RANK_TOLERANCE * max(float(values[0]), 0.0)
    values, vectors = values[kept], vectors[:, kept]
    largest = np.abs(vectors).argmax(axis=0)
    return values, vectors * np.sign(vectors[largest, np.arange(len(values))]) + 0.0


def principal_axes_of_rows(centred: Array, count: int) -> tuple[Array, Array]:
    """Compute :func:`principal_axes` of the covariance of centred rows (N, D).

    With fewer rows than columns, the smaller (N, N) eigenproblem is solved instead.
    """
    rows, columns = centred.shape
    if rows >= columns:
        return principal_axes(centred.T @ centred / rows, count)
    values, left = principal_axes(centred @ centred.T / rows, count)
    directions = centred.T @ left / np.sqrt(values * rows)  # (D, k)
    largest = np.abs(directions).argmax(axis=0)
    return values, directions * np.sign(directions[largest, np.arange(len(values))])


def _subspace_eigh(covariance: Array, count: int, *, rounds: int = 24) -> tuple[Array, Array]:
    """Compute the ``count`` largest eigenpairs, ascending, by seeded subspace iteration."""
    start = np.random.default_rng(0).normal(size=(len(covariance), count))
    basis, _ = np.linalg.qr(covariance @ start)
    for _ in range(rounds):
        basis, _ = np.linalg.qr(covariance @ basis)
    values, inner = np.linalg.eigh(basis.T @ covariance @ basis)
    return values, basis @ inner
