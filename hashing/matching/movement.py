"""Do two aligned videos move alike? Correlation of what changes, not of what they show.

An edit shifts the features of all frames by nearly the same vector, and two takes of a scene show
nearly the same; each video's own mean taken away, what is left is what moves, and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .records import F32

LAG = 2  # frames over which changes are looked at: one frame's change is much noise


class Movement(NamedTuple):
    """How alike two aligned videos move, each -1 to 1.

    Attributes:
        dyn: Correlation of their frames, each one's mean taken away.
        step: Correlation of the changes from frame to frame.
        even: Correlation of the changes over two frames, those above their median made as large as
            it. Two videos cut at the same moments have few large changes in common, copies all.
    """

    dyn: float
    step: float
    even: float


def movement_of(pieces: Sequence[tuple[F32, F32]]) -> Movement:
    """Compare the movement of aligned frames.

    Args:
        pieces: Runs without a gap: frames of one video, (n, M), and of the other at the same
            moments, (n, M).
    """
    a = np.concatenate([piece[0] for piece in pieces])
    b = np.concatenate([piece[1] for piece in pieces])
    return Movement(
        correlation(a - a.mean(axis=0), b - b.mean(axis=0)),
        correlation(*_changes(pieces, 1)),
        correlation(*map(limited, _changes(pieces, LAG))),
    )


def score_of(moved: Movement, share_a: float, share_b: float) -> float:
    """Return how sure it is that two videos are copies, -1 to 1.

    Args:
        moved: Of what is aligned.
        share_a: Part of the first video that is aligned.
        share_b: The same of the second: the lower one counts.

    Example:
        >>> round(score_of(Movement(0.9, 0.5, 0.6), 1.0, 0.5), 3)
        0.35
    """
    return (moved.dyn + 2 * moved.even) / 3 * min(share_a, share_b)


def limited(changes: F32) -> F32:
    """Return changes (n, M) of which none is larger than their median.

    >>> limited(np.array([[1.0], [2.0], [9.0]])).tolist()
    [[1.0], [2.0], [2.0]]
    """
    if not len(changes):
        return changes
    sizes = np.linalg.norm(changes, axis=1, keepdims=True)
    scale = np.minimum(1, np.median(sizes) / np.maximum(sizes, 1e-12))
    return np.asarray(changes * scale, changes.dtype)


def correlation(a: F32, b: F32) -> float:
    """Return the cosine of two arrays as one vector each; 0 where one is 0.

    >>> round(correlation(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])), 3)
    0.707
    """
    left, right = a.ravel(), b.ravel()
    size = float(np.sqrt(float(left @ left) * float(right @ right)))
    return float(left @ right) / size if size > 1e-12 else 0.0


def _changes(pieces: Sequence[tuple[F32, F32]], lag: int) -> tuple[F32, F32]:
    pairs = [(a[lag:] - a[:-lag], b[lag:] - b[:-lag]) for a, b in pieces]
    return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])
