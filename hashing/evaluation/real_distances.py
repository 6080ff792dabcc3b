"""Rank answers by given distances, real or whole numbers, in the order (distance, row)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..retrieval.hamming import Rows

DECIMALS = 4  # real distances are compared after rounding, so that machines agree on ties


def comparable(distances: npt.NDArray[np.number]) -> npt.NDArray[np.number]:
    """Round real distances; whole numbers stay as they are.

    >>> comparable(np.array([0.12344, 0.12336]))
    array([0.1234, 0.1234])
    """
    if np.issubdtype(distances.dtype, np.integer):
        return distances
    return np.round(distances, DECIMALS)


def nearest_rows(distances: npt.NDArray[np.number], own: Rows, *, ranks: int) -> Rows:
    """Return the rows of the nearest answers of each query, -1 past the last, (Q, ranks).

    Args:
        distances: From each query to the database, (Q, N).
        own: Where in the database each query is left out, -1 for nowhere, (Q,).
        ranks: Number of ranks.

    Example:
        >>> distances = np.array([[0, 2, 1, 1]])
        >>> nearest_rows(distances, np.array([0]), ranks=4)
        array([[ 2,  3,  1, -1]])
    """
    found = comparable(distances).astype(np.float64)
    left_out = np.flatnonzero(own >= 0)
    found[left_out, own[left_out]] = np.inf
    order = np.argsort(found, axis=1, kind="stable")[:, :ranks]
    order[np.isinf(np.take_along_axis(found, order, axis=1))] = -1
    missing = ranks - order.shape[1]
    return np.pad(order, ((0, 0), (0, max(0, missing))), constant_values=-1)
