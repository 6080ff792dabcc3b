"""Do two aligned videos move alike? Correlation of what changes, not of what they show.

An edit shifts the features of all frames by nearly the same vector, and two takes of a scene show
nearly the same; each video's own mean taken away, what is left is what moves, and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .records import F32

LAG = 2  # frames over which changes are looked at: one frame's change is much noise
CUT = 2.5  # of the median change: larger ones of both videos at once are cuts

FramePairs = tuple[F32, F32]  # frames of one video, (n, M), and of the other at the same moments


class Movement(NamedTuple):
    """How alike two aligned videos move; correlations are -1 to 1.

    Attributes:
        dyn: Correlation of their frames, each one's mean taken away.
        step: Correlation of the changes from frame to frame.
        even: Correlation of the changes over two frames, those above their median made as large as
            it. Two videos cut at the same moments have few large changes in common, copies all.
        inner: Correlation of the frames, each shot's mean taken away, limited likewise.
        cuts: Moments at which both change much.
        moments: Frames that were compared.
    """

    dyn: float
    step: float
    even: float
    inner: float
    cuts: int
    moments: int


def movement_of(pieces: Sequence[FramePairs]) -> Movement:
    """Compare the movement of aligned frames.

    Args:
        pieces: Runs without a gap.
    """
    a = np.concatenate([piece[0] for piece in pieces])
    b = np.concatenate([piece[1] for piece in pieces])
    steps_a, steps_b = _changes(pieces, 1)
    inside = [shot for piece in pieces for shot in _without_shots(*piece)]
    return Movement(
        dyn=correlation(a - a.mean(axis=0), b - b.mean(axis=0)) if len(a) else 0.0,
        step=correlation(steps_a, steps_b),
        even=correlation(*map(limited, _changes(pieces, LAG))),
        inner=correlation(*(limited(np.concatenate(side)) for side in zip(*inside, strict=True))),
        cuts=len(inside) - len(pieces),
        moments=len(a),
    )


def alike(moved: Movement) -> float:
    """Return how alike two videos move where they are aligned, -1 to 1.

    Its weights were chosen on the tuning sets of ``docs/numbers/duplicates.md``.
    """
    return (moved.dyn + 2 * moved.even) / 3


def score_of(moved: Movement, share_a: float, share_b: float) -> float:
    """Return how sure it is that two videos are copies, -1 to 1.

    Args:
        moved: Of what is aligned.
        share_a: Part of the first video that is aligned.
        share_b: The same of the second: the lower one counts.

    Example:
        >>> round(score_of(Movement(0.9, 0.5, 0.6, 0.5, 0, 25), 1.0, 0.5), 3)
        0.35
    """
    return alike(moved) * min(share_a, share_b)


def limited(changes: F32) -> F32:
    """Return changes (n, M) of which none is larger than their median.

    >>> limited(np.array([[1.0], [2.0], [9.0]])).tolist()
    [[1.0], [2.0], [2.0]]
    """
    if not len(changes):
        return changes
    sizes = np.sqrt(np.einsum("nm,nm->n", changes, changes))
    scale = np.minimum(1, _median(sizes) / np.maximum(sizes, 1e-12))
    return np.asarray(changes * scale[:, None], changes.dtype)


def correlation(a: F32, b: F32) -> float:
    """Return the cosine of two arrays as one vector each; 0 where one is 0.

    >>> round(correlation(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])), 3)
    0.707
    """
    left, right = a.ravel(), b.ravel()
    size = float(np.sqrt(float(left @ left) * float(right @ right)))
    return float(left @ right) / size if size > 1e-12 else 0.0


def _median(sizes: npt.NDArray[np.floating]) -> float:
    """Return the median; numpy's own takes longer than all else that is done with so few."""
    count, ordered = len(sizes), np.sort(sizes)
    return float(ordered[(count - 1) // 2] + ordered[count // 2]) / 2


def _changes(pieces: Sequence[FramePairs], lag: int) -> FramePairs:
    pairs = [(a[lag:] - a[:-lag], b[lag:] - b[:-lag]) for a, b in pieces]
    return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])


def _without_shots(a: F32, b: F32) -> list[FramePairs]:
    """Split aligned frames where both change much, and take away the mean of each part."""
    if len(a) < 2:
        return [(a - a, b - b)]
    steps = [frames[1:] - frames[:-1] for frames in (a, b)]
    sizes = [np.sqrt(np.einsum("nm,nm->n", step, step)) for step in steps]
    large = np.minimum(*(size / max(_median(size), 1e-9) for size in sizes))
    at = (np.flatnonzero(large > CUT) + 1).tolist()
    starts, ends = [0, *at], [*at, len(a)]
    return [
        (a[i:j] - a[i:j].mean(axis=0), b[i:j] - b[i:j].mean(axis=0))
        for i, j in zip(starts, ends, strict=True)
    ]
