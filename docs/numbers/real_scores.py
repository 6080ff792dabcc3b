"""Scores of each query, from a table of distances: AP@20 twice, and whether rank 1 is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from real_sets import Question

from chainpipe.hashing.evaluation.metrics import average_precision, gains

Floats = npt.NDArray[np.float64]
CUTOFF = 20
LEFT_OUT = np.inf


@dataclass(frozen=True)
class QueryScores:
    """Scores of Q queries, (Q,) each.

    Attributes:
        map20: AP@20 divided by 20.
        map20_min: AP@20 divided by min(20, R).
        first: Whether the first answer is right, in the order (distance, row).
        first_tied: The share of right answers among all that tie for the first rank.
    """

    map20: Floats
    map20_min: Floats
    first: Floats
    first_tied: Floats


def query_scores(distances: npt.NDArray[np.generic], question: Question) -> QueryScores:
    """Score every query of a question.

    Args:
        distances: From each query to each video of the database, (Q, N), any real type.
        question: Which answers are right, and which are left out.

    Example:
        >>> rows = np.arange(2)
        >>> right, out = np.array([[False, False, True]]), np.array([[True, False, False]])
        >>> asked = Question("q", rows[:1], np.arange(3), right, out, ("",))
        >>> query_scores(np.array([[0, 1, 1]]), asked).first_tied
        array([0.5])
    """
    found = np.where(question.out, LEFT_OUT, distances.astype(np.float64))
    right = question.right & ~question.out
    order = np.argsort(found, axis=1, kind="stable")[:, :CUTOFF]
    answered = np.isfinite(np.take_along_axis(found, order, axis=1))
    hits = np.take_along_axis(right, order, axis=1) & answered
    gained, relevant = gains(hits), right.sum(axis=1)
    nearest = found == found.min(axis=1, keepdims=True)
    return QueryScores(
        average_precision(gained, CUTOFF),
        average_precision(gained, CUTOFF, relevant=relevant),
        hits[:, 0].astype(np.float64),
        (nearest & right).sum(axis=1) / nearest.sum(axis=1),
    )


def cosine_distances(queries: Floats, database: Floats) -> Floats:
    """Return 1 - cosine of Q and N mean features, (Q, N), rounded so that equal videos tie.

    >>> cosine_distances(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0], [0.0, 3.0]]))
    array([[0., 1.]])
    """
    a, b = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
            for x in (queries, database))  # fmt: skip
    distances: Floats = np.round(1 - a @ b.T, 9)
    return distances
