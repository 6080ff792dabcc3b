"""Re-ranking: the first answers by Hamming distance, put in order by cosine of mean features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..models.hasher import F32
from .asymmetric import STEP, Steps, nearest_steps
from .hamming import Rows

DEPTH = 100  # answers that are re-ranked
FARTHEST = round(2 / STEP)  # of opposite features
CENTRE_VIDEOS = 1000  # that the centre is the mean of


def sample_centre(means_of: Callable[[Rows], F32], videos: int) -> F32:
    """Return the centre of a database's mean features, (D,): the mean of at most 1000 of N videos.

    The videos are evenly spaced, so a store of any size costs the same.

    Args:
        means_of: Returns the mean features of some rows, (B, D).
        videos: N.

    Example:
        >>> sample_centre(lambda rows: np.stack([rows, rows], 1).astype(np.float32), 5)
        array([2., 2.], dtype=float32)
    """
    count = min(videos, CENTRE_VIDEOS)
    rows = np.arange(count) * videos // max(count, 1)
    return np.asarray(means_of(rows).mean(axis=0, dtype=np.float64), np.float32)


def cosine_steps(query: F32, answers: F32, centre: F32) -> Steps:
    """Return 1 - cosine of centred mean features in steps of 1e-4, (B,); 1 where one is the centre.

    Args:
        query: Mean feature of the query, (D,).
        answers: Mean features of B answers, (B, D).
        centre: Subtracted from all, (D,).

    Example:
        >>> cosine_steps(np.ones(2), np.array([[2.0, 2.0], [1.0, 0.0]]), np.zeros(2))
        array([   0, 2929], dtype=int32)
    """
    asked = query.astype(np.float64) - centre
    found = answers.astype(np.float64) - centre
    sizes = np.linalg.norm(found, axis=1) * np.linalg.norm(asked)
    cosines = np.divide(found @ asked, sizes, out=np.zeros(len(found)), where=sizes > 0)
    return np.asarray(np.rint((1 - cosines) / STEP), np.int32)


def rerank(
    query: F32, rows: Rows, means_of: Callable[[Rows], F32], centre: F32
) -> tuple[npt.NDArray[np.float64], Rows]:
    """Order the first answers of one query by cosine.

    Args:
        query: Mean feature of the query, (D,).
        rows: Rows of its first answers, in any order, (B,).
        means_of: Returns the mean features of rows, (B, D); only these rows are read.
        centre: Of the database, see :func:`sample_centre`.

    Returns:
        Distances 1 - cosine, multiples of 1e-4, and rows, in the order (distance, row), (B,) each.

    Example:
        >>> means = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], np.float32)
        >>> rerank(means[1], np.array([0, 2]), lambda rows: means[rows], np.zeros(2, np.float32))
        (array([0.2929, 1.    ]), array([2, 0]))
    """
    ascending = np.sort(rows)
    steps = cosine_steps(query, means_of(ascending), centre)
    order = nearest_steps(steps, len(steps))
    return steps[order].astype(np.float64) * STEP, ascending[order]
