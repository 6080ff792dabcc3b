"""Precision-recall curves by Hamming radius and by rank.

A query without an answer within a radius has precision 0 there. The fraction of queries with an
answer is returned too, so the mean over answered queries is precision / answered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .metrics import Floats
from .ties import Counts, ties_at

POINTS = 40  # ranks of a curve, about evenly spaced by ratio
NEAR = 2  # the radius that papers quote


@dataclass(frozen=True, slots=True)
class Curve:
    """Means over all queries, at each cut.

    Attributes:
        cuts: Radii from 0, or ranks from 1, (J,).
        precision: (J,).
        recall: Of the R right answers in the database; 0 where R is 0, (J,).
        answered: Fraction of the queries that have an answer, (J,).
    """

    cuts: Counts
    precision: Floats
    recall: Floats
    answered: Floats

    def to_json(self, cut: str) -> dict[str, list[float]]:
        """Return the curve as JSON values.

        Args:
            cut: Name of the cuts, ``radius`` or ``rank``.
        """
        return {
            cut: self.cuts.tolist(),
            "precision": self.precision.tolist(),
            "recall": self.recall.tolist(),
            "answered": self.answered.tolist(),
        }


def rank_points(database: int) -> Counts:
    """Return the ranks at which a curve is drawn, from 1 to the last.

    >>> rank_points(5).tolist(), len(rank_points(45_600)), rank_points(45_600).tolist()[-2:]
    ([1, 2, 3, 4, 5], 38, [34634, 45600])
    """
    return np.unique(np.geomspace(1, max(database, 1), POINTS).round().astype(np.int64))


def within_radius(totals: Counts, right: Counts) -> Floats:
    """Return precision, recall and whether there is an answer within radius 0, 1, 2, ...

    Args:
        totals: How many answers have distance 0, 1, 2, ..., (Q, G).
        right: How many of them are right, (Q, G).

    Returns:
        (3, Q, G).

    Example:
        >>> within_radius(np.array([[0, 2, 2]]), np.array([[0, 2, 1]])).round(2)[:, 0]
        array([[0.  , 1.  , 0.75],
               [0.  , 0.67, 1.  ],
               [0.  , 1.  , 1.  ]])
    """
    return _shares(right.cumsum(axis=1), totals.cumsum(axis=1), right)


def down_to_rank(totals: Counts, right: Counts, ranks: Counts) -> Floats:
    """Return precision, recall and whether there is an answer among the first r answers.

    Ties are averaged: a cut through m answers at one distance, g of them right, takes each right
    one with probability (answers taken) / m. Past the last answer precision falls, as missing
    answers are not right.

    Args:
        totals: How many answers have distance 0, 1, 2, ..., (Q, G).
        right: How many of them are right, (Q, G).
        ranks: Ranks from 1, ascending, (J,).

    Returns:
        (3, Q, J).

    Example:
        >>> down_to_rank(np.array([[4, 1]]), np.array([[2, 1]]), np.array([2, 5, 6]))[:2, 0]
        array([[0.5       , 0.6       , 0.5       ],
               [0.33333333, 1.        , 1.        ]])
    """
    ties = ties_at(totals, right, ranks)
    hits = ties.found + ties.right * (ranks - ties.before) / np.maximum(ties.size, 1)
    taken = np.broadcast_to(ranks, hits.shape)
    found = _shares(hits, taken, right)
    found[2] = (totals.sum(axis=1) > 0)[:, None]
    return found


def _shares(hits: Floats | Counts, taken: Counts, right: Counts) -> Floats:
    relevant = np.maximum(right.sum(axis=1), 1)[:, None]
    return np.stack([hits / np.maximum(taken, 1), hits / relevant, taken > 0])
