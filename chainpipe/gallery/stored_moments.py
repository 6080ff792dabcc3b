"""The stored moments of each video of a library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.store.base import FeatureStore

_BLOCK = 1024  # rows that are read at a time


def stored_moments(store: FeatureStore) -> Iterator[npt.NDArray[np.float64]]:
    """Yield when the stored frames of each video are shown, (T,), row by row.

    T differs in a store made per time; where nobody knows the moments they are NaN.
    """
    count = len(store.videos)
    if store.meta.every:
        yield from (store.sequence_seconds(row) for row in range(count))
        return
    for start in range(0, count, _BLOCK):
        yield from store.seconds(np.arange(start, min(start + _BLOCK, count)))


def evenly(seconds: Sequence[float], count: int) -> tuple[float, ...]:
    """Return the middles of ``count`` equal runs of some moments, or all of fewer.

    >>> evenly([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 3), evenly([0.5], 3)
    ((1.0, 3.0, 5.0), (0.5,))
    """
    total = len(seconds)
    if total <= count:
        return tuple(seconds)
    return tuple(seconds[(2 * place + 1) * total // (2 * count)] for place in range(count))
