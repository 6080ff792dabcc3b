"""``hashing.models.clip_summary`` in numpy, for whole clips: (B, T, M) to (B, M)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..hasher import F32

_STILL = np.float32(0.01)


def mean(frames: F32) -> F32:
    """Return the mean over frames."""
    return np.asarray(frames.mean(axis=1), np.float32)


def trend(frames: F32) -> F32:
    """Return how frames change from start to end.

    >>> trend(np.array([[[5.0], [5.0], [7.0], [7.0]]], np.float32)).round(4)
    array([[0.9239]], dtype=float32)
    """
    count = frames.shape[1]
    position = (np.arange(count) + 0.5) / count
    weights = (-np.sqrt(2) * np.cos(np.pi * position)).astype(np.float32)
    return np.asarray(np.einsum("btx,t->bx", frames, weights) / np.float32(count), np.float32)


def changes(frames: F32) -> F32:
    """Return how fast each feature changes.

    >>> changes(np.array([[[0.0], [1.0], [0.0], [1.0]]], np.float32)).round(4)
    array([[1.9608]], dtype=float32)
    """
    steps = np.abs(np.diff(frames, axis=1)).sum(axis=1) / np.float32(max(1, frames.shape[1] - 1))
    return np.asarray(steps / (frames.std(axis=1) + _STILL), np.float32)


NUMPY_SUMMARIES: dict[str, Callable[[F32], F32]] = {
    "mean": mean,
    "trend": trend,
    "changes": changes,
}
