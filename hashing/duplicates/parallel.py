"""Compare many pairs in several processes, which share the videos that one process read."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..matching.records import Relation, Verdict
from .comparison import ProjectedVideos

FEWEST = 4000  # pairs that are worth the start of processes
_CHUNK = 250  # pairs that a process takes at a time
_shared: list[ProjectedVideos] = []  # read by forked processes


def compare_pairs(
    held: ProjectedVideos, pairs: npt.NDArray[np.int64], *, workers: int = 1
) -> Iterator[list[Verdict | None]]:
    """Yield the verdicts on pairs of rows in order, some at a time; ``None`` for nothing.

    Args:
        held: The videos.
        pairs: Their rows, (P, 2).
        workers: Processes; one where the system cannot fork, or for few pairs.
    """
    chunks = (pairs[at : at + _CHUNK] for at in range(0, len(pairs), _CHUNK))
    if workers < 2 or len(pairs) < FEWEST or sys.platform != "linux":
        for chunk in chunks:
            yield _compared(held, chunk)
        return
    _shared.append(held)
    try:
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            yield from pool.imap(_compared_shared, chunks)
    finally:
        _shared.remove(held)


def _compared_shared(pairs: npt.NDArray[np.int64]) -> list[Verdict | None]:
    return _compared(_shared[-1], pairs)


def _compared(held: ProjectedVideos, pairs: npt.NDArray[np.int64]) -> list[Verdict | None]:
    verdicts = (held.compare(a, b) for a, b in pairs.tolist())
    return [None if one.relation is Relation.NOTHING else one for one in verdicts]
