"""Retrieval metrics as pure functions of the relevance of ranked answers.

AP@K here divides by **K itself**, as every paper on self-supervised video hashing does: K = 100
with 20 right videos in the database can give .20 at most. ``map_min`` divides by min(K, R), so that
1 can be reached. A query without any right answer counts 0 in both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .ties import Counts, ties_at

Floats = npt.NDArray[np.float64]


def gains(hits: npt.NDArray[np.bool_]) -> Floats:
    """Return what each rank adds to AP: the precision up to it where the answer is right, else 0.

    Args:
        hits: Whether the answer at each rank is right, nearest first, (Q, K).

    Returns:
        (Q, K).

    Example:
        >>> gains(np.array([[True, False, True]])).round(2)  # 1/1, 0, 2/3
        array([[1.  , 0.  , 0.67]])
    """
    ranks = np.arange(1, hits.shape[1] + 1)
    precision: Floats = hits.cumsum(axis=1) / ranks
    return np.where(hits, precision, 0.0)


def tied_gains(totals: Counts, right: Counts, k: int) -> Floats:
    r"""Return what :func:`gains` gives on average over all orders of answers that tie.

    Say a tie of m answers, g of them right, follows s nearer answers, h of them right. Rank s + j
    is right with probability g / m; the other j - 1 of the tie before it hold
    (j - 1)(g - 1) / (m - 1) right ones on average. So its gain is
    g/m * (h + 1 + (j - 1)(g - 1)/(m - 1)) / (s + j).
    The idea: McSherry and Najork (2008), https://doi.org/10.1007/978-3-540-78646-7_38

    Args:
        totals: How many answers have distance 0, 1, 2, ..., (Q, G).
        right: How many of them are right, (Q, G).
        k: Number of ranks.

    Returns:
        (Q, k); 0 at ranks past the last answer.

    Example:
        >>> totals, right = np.array([[2, 1]]), np.array([[1, 1]])  # 1 right of 2 that tie, then 1
        >>> tied_gains(totals, right, 3).round(3)  # 1/2 * 1/1, 1/2 * 1/2, 2/3
        array([[0.5  , 0.25 , 0.667]])
    """
    ranks = np.arange(1, k + 1)
    ties = ties_at(totals, right, ranks)
    place = ranks - ties.before  # j
    hits = ties.found + 1 + (place - 1) * (ties.right - 1) / np.maximum(ties.size - 1, 1)
    return np.where(ties.size > 0, ties.right / np.maximum(ties.size, 1) * hits / ranks, 0.0)


def average_precision(gained: Floats, k: int, *, relevant: Counts | None = None) -> Floats:
    """Return AP@K of each query.

    Args:
        gained: What each rank adds, (Q, at least K unless there are fewer answers).
        k: K.
        relevant: R, the right answers in the database, (Q,): divide by min(K, R) instead of K.

    Returns:
        (Q,).

    Example:
        >>> found = gains(np.array([[True, False, True, False, False]]))
        >>> average_precision(found, 5).round(4)  # (1 + 2/3) / 5
        array([0.3333])
        >>> average_precision(found, 5, relevant=np.array([2])).round(4)  # (1 + 2/3) / 2
        array([0.8333])
    """
    total: Floats = gained[:, :k].sum(axis=1)
    if relevant is None:
        return total / k
    return total / np.clip(relevant, 1, k)


def precision_at(hits: npt.NDArray[np.bool_], k: int) -> Floats:
    """Return precision@K of each query, (Q,); missing answers are not relevant.

    Args:
        hits: Whether the answer at each rank is right, (Q, ranks).
        k: K.
    """
    right: Floats = hits[:, :k].sum(axis=1) / k
    return right


def recall_at(hits: npt.NDArray[np.bool_], k: int, relevant: Counts) -> Floats:
    """Return recall@K of each query, (Q,); 0 where R is 0.

    Args:
        hits: Whether the answer at each rank is right, (Q, ranks).
        k: K.
        relevant: R, (Q,).
    """
    recall: Floats = hits[:, :k].sum(axis=1) / np.maximum(relevant, 1)
    return recall


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean, 0 if any value is 0: GMAP is that of mAP at the six K.

    >>> round(geometric_mean([0.2, 0.8]), 6)
    0.4
    """
    with np.errstate(divide="ignore"):
        return float(np.exp(np.mean(np.log(np.asarray(values, np.float64)))))
