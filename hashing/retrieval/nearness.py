"""How alike an answer must be to be called similar: more than unrelated videos are by chance.

Seen from one video, unrelated ones lie in random directions: their cosines scatter around 0. How
widely, the library tells: the scatter of a query's cosines below their median, where related videos
are rare. Of N unrelated videos the most alike then has a cosine of about ``tanh(scatter * z)``,
where a normal variable exceeds ``z`` with a chance of 1 / N (Fisher's transformation of a
correlation coefficient). The limit lies where :data:`EXPECTED` answers by chance are expected.

[ours] Chosen on pictures of 52 classes, camera clips and clips of games as queries; the tails are
heavier than a normal variable's, hence :data:`MARGIN`.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from .distance_names import RERANK

EXPECTED = 0.05  # answers by chance in a whole library
MARGIN = 1.3  # times the scatter
SAMPLED = 1000  # videos that a query is compared with to see its scatter
NARROW, WIDE = 0.08, 0.125  # bounds of the scatter of mean features; of codes as of their bits
PRIOR = 10  # videos that the scatter of small libraries is averaged with
LOWEST, HIGHEST = 0.25, 0.98  # cosines that are similar in no library, and in any


def sample_rows(videos: int) -> npt.NDArray[np.int64]:
    """Return at most 1000 of N rows, evenly spaced."""
    count = min(videos, SAMPLED)
    return np.arange(count) * videos // max(count, 1)


def chance_limit(
    cosines: npt.NDArray[np.floating], *, videos: int, distance: str, size: int
) -> float:
    """Return the cosine from which an answer is more alike than chance makes one.

    Args:
        cosines: Of the query with a sample of the library, (S,).
        videos: N, how many are searched.
        distance: Name of the distance, see :func:`.rank.similarity`.
        size: K, or D for ``rerank``.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> unrelated = rng.normal(0, 0.1, 1000)
        >>> few = chance_limit(unrelated, videos=100, distance="rerank", size=1280)
        >>> many = chance_limit(unrelated, videos=1_000_000, distance="rerank", size=1280)
        >>> round(few, 1), round(many, 1)
        (0.4, 0.6)
    """
    usual = 1 / math.sqrt(size)
    bounds = (max(NARROW, usual), max(WIDE, usual)) if distance == RERANK else (usual, 1.0)
    prior = bounds[0] if distance == RERANK else MARGIN * usual
    middle = float(np.median(cosines)) if len(cosines) else 0.0
    below = middle - cosines[cosines < middle]
    total = float(np.square(below, dtype=np.float64).sum()) + PRIOR * prior**2
    scatter = min(max(math.sqrt(total / (len(below) + PRIOR)), bounds[0]), bounds[1])
    z = NormalDist().inv_cdf(1 - EXPECTED / max(videos, 1))
    return min(HIGHEST, max(LOWEST, middle + math.tanh(MARGIN * scatter * z)))
