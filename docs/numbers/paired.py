"""Paired differences between two rows, with an interval over queries and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
DRAWS, CONFIDENCE = 4000, 0.95


@dataclass(frozen=True)
class Difference:
    """A mean difference and the ends of its interval.

    Attributes:
        mean: Over queries and seeds.
        low: Lower end of the 95 % interval.
        high: Upper end.
        seeds: How many seeds it is over.
    """

    mean: float
    low: float
    high: float
    seeds: int

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def paired_difference(
    ours: Sequence[Floats], theirs: Sequence[Floats], *, same_queries: bool, seed: int = 0
) -> Difference:
    """Bootstrap the mean difference over seeds and queries.

    Seeds and queries are both drawn with replacement. Where all seeds have the same queries, one
    draw of queries serves all seeds of a draw (two crossed factors); otherwise each seed draws from
    its own (queries within seeds).

    Args:
        ours: One score a query, for each seed.
        theirs: The same of the other row, of the same seeds in the same order.
        same_queries: Whether the queries of all seeds are the same videos.
        seed: Of the draws.

    Raises:
        ValueError: If the rows have no seeds or other queries.

    Example:
        >>> ones, zeros = [np.ones(9)] * 2, [np.zeros(9)] * 2
        >>> str(paired_difference(ones, zeros, same_queries=True))
        '+1.000 [+1.000, +1.000]'
    """
    if not ours or [len(one) for one in ours] != [len(one) for one in theirs]:
        raise ValueError("two rows are compared on the same queries of the same seeds")
    gaps = [a - b for a, b in zip(ours, theirs, strict=True)]
    rng = np.random.default_rng(seed)
    count = len(gaps)
    of_seeds = rng.multinomial(count, np.full(count, 1 / count), size=DRAWS) / count  # (draws, S)
    if same_queries:
        means = _drawn(np.stack(gaps), rng)
    else:
        means = np.hstack([_drawn(gap[None], rng) for gap in gaps])
    drawn = (of_seeds * means).sum(axis=1)
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Difference(float(np.mean([gap.mean() for gap in gaps])), float(low), float(high), count)


def _drawn(gaps: Floats, rng: np.random.Generator) -> Floats:
    """Return the means of each seed over drawn queries, (draws, S), for differences (S, Q)."""
    queries = gaps.shape[1]
    weights = rng.multinomial(queries, np.full(queries, 1 / queries), size=DRAWS) / queries
    means: Floats = weights @ gaps.T
    return means
