"""Do two aligned videos move alike? Correlation of what changes, not of what they show.

An edit shifts the features of all frames by nearly the same vector, and two takes of a scene show
nearly the same; each video's own mean taken away, what is left is what moves, and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .records import F32


class Movement(NamedTuple):
    """How alike two aligned videos move.

    Attributes:
        dyn: Correlation of their frames, each one's mean taken away, -1 to 1.
        step: Correlation of the changes from frame to frame.
    """

    dyn: float
    step: float


def movement_of(pieces: Sequence[tuple[F32, F32]]) -> Movement:
    """Compare the movement of aligned frames.

    Args:
        pieces: Runs without a gap: frames of one video, (n, M), and of the other at the same
            moments, (n, M).
    """
    a = np.concatenate([piece[0] for piece in pieces])
    b = np.concatenate([piece[1] for piece in pieces])
    steps_a = np.concatenate([np.diff(piece[0], axis=0) for piece in pieces])
    steps_b = np.concatenate([np.diff(piece[1], axis=0) for piece in pieces])
    return Movement(
        correlation(a - a.mean(axis=0), b - b.mean(axis=0)), correlation(steps_a, steps_b)
    )


def correlation(a: F32, b: F32) -> float:
    """Return the cosine of two arrays as one vector each; 0 where one is 0.

    >>> round(correlation(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])), 3)
    0.707
    """
    size = float(
        np.sqrt(np.square(a, dtype=np.float64).sum() * np.square(b, dtype=np.float64).sum())
    )
    return float((a * b).sum(dtype=np.float64) / size) if size > 1e-12 else 0.0
