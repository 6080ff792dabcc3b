"""Ties: the group of equal distances that contains each rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ties:
    """The group of tied answers at J ranks of Q queries, (Q, J) each; 0 past the last answer.

    Attributes:
        size: Answers in the group.
        right: How many of them are right.
        before: Nearer answers, all answers past the last one.
        found: How many of those are right.
    """

    size: Counts
    right: Counts
    before: Counts
    found: Counts


def ties_at(totals: Counts, right: Counts, ranks: Counts) -> Ties:
    """Find the tie that contains each rank, (Q, J).

    Args:
        totals: How many answers have distance 0, 1, 2, ..., (Q, G).
        right: How many of them are right, (Q, G).
        ranks: Ranks from 1, ascending, (J,).

    Example:
        >>> ties = ties_at(np.array([[2, 0, 3]]), np.array([[1, 0, 3]]), np.array([2, 3, 6]))
        >>> ties.size, ties.before, ties.found
        (array([[2, 3, 0]]), array([[0, 2, 5]]), array([[0, 1, 4]]))
    """
    group = _group(totals.cumsum(axis=1), ranks)
    size, good, before, found = (
        np.take_along_axis(table, group, axis=1)
        for table in (_more(totals), _more(right), _before(totals), _before(right))
    )
    return Ties(size, good, before, found)


def _group(ends: Counts, ranks: Counts) -> Counts:
    """Count the groups that end before each rank, (Q, J), without comparing all with all."""
    queries, columns = len(ends), len(ranks) + 1
    first = np.searchsorted(ranks, ends, side="right")  # the first rank behind each group
    flat = first + columns * np.arange(queries)[:, None]
    behind = np.bincount(flat.ravel(), minlength=queries * columns).reshape(queries, columns)
    group: Counts = behind.cumsum(axis=1)[:, :-1]
    return group


def _more(counts: Counts) -> Counts:
    """Append an empty group for ranks past the last answer, (Q, G + 1)."""
    return np.pad(counts, ((0, 0), (0, 1)))


def _before(counts: Counts) -> Counts:
    """Return the sum of all groups before each, (Q, G + 1)."""
    return np.pad(counts.cumsum(axis=1), ((0, 0), (1, 0)))
