"""Random walks with restart between N videos: whom a walk visits more often than others do.

A walk from one video rarely gets far. So beyond ``ROOM`` videos, the walks of some videos that are
near each other go over that part of the graph only which a common walk from them visits most. The
time then grows with N and not with its square.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import scipy.sparse
import torch
from torch import Tensor

STEPS = 30  # of a walk
ROOM = 4096  # videos of one part of the graph: their visits stay in the cache of a core
TOGETHER = 64  # videos whose walks go over the same part
_NEAR_STEPS, _PART_STEPS = 6, 10  # of the walks that choose these videos, and their part
_WALKS = 16  # at once

Rows = npt.NDArray[np.int64]


class RandomWalk:
    """Walks with restart between N videos.

    Args:
        moves: Transition probabilities from row to column, (N, N); each row sums to 1, or to less
            where a part of the graph is left.
        damping: Probability of a step; else the walk restarts.
    """

    def __init__(self, moves: scipy.sparse.csr_array, *, damping: float) -> None:
        back = scipy.sparse.csr_array(moves.T)
        self._back: Tensor | scipy.sparse.csr_array = back
        self._damping = damping
        if torch.backends.mkl.is_available():  # type: ignore[no-untyped-call]
            self._back = _for_mkl(back)  # three times as fast, same numbers

    def visits(self, start: Tensor, *, steps: int = STEPS) -> Tensor:
        """Return the visit probabilities after some steps, (N, W).

        Args:
            start: Where W walks start and restart, (N, W); each column sums to 1.
            steps: How many.
        """
        where, restart = start, (1 - self._damping) * start
        for _ in range(steps):
            where = self._step(where).mul_(self._damping).add_(restart)
        return where

    def _step(self, where: Tensor) -> Tensor:
        if isinstance(self._back, Tensor):
            return self._back @ where
        return torch.from_numpy(self._back @ where.numpy())


def _for_mkl(moves: scipy.sparse.csr_array) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR")  # "in beta state"
        return torch.sparse_csr_tensor(
            torch.from_numpy(moves.indptr),
            torch.from_numpy(moves.indices),
            torch.from_numpy(moves.data),
            moves.shape,
            check_invariants=False,
        )


def most_visited(moves: scipy.sparse.csr_array, count: int, *, damping: float) -> Tensor:
    """Return the videos (N, count) that are visited from each more often than from all.

    Args:
        moves: Transition probabilities from row to column, (N, N); each row sums to 1.
        count: How many, below N.
        damping: Probability of a step; else the walk restarts.

    Returns:
        Row indices, (N, count), the most visited first; -1 where a walk visits fewer.
    """
    videos = moves.shape[0]
    walk = RandomWalk(moves, damping=damping)
    often = walk.visits(torch.full((videos, 1), 1 / videos)).clamp(min=1e-12)  # against hubs
    if videos <= ROOM:
        return _local(walk, np.arange(videos), often, count)
    found = torch.empty(videos, count, dtype=torch.int64)
    for rows, part in _parts(walk, often, videos, most=max(ROOM, count + TOGETHER)):
        inside = RandomWalk(moves[part][:, part], damping=damping)
        table = _local(inside, np.searchsorted(part, rows), often[part], count)
        found[rows] = torch.from_numpy(part)[table].masked_fill(table < 0, -1)
    return found


def _local(walk: RandomWalk, rows: Rows, often: Tensor, count: int) -> Tensor:
    """Return the videos (n, count) that are visited most from n rows; -1 where there are fewer."""
    parts = []
    for some in torch.split(torch.from_numpy(rows), _WALKS):
        own = torch.arange(len(some))
        start = torch.zeros(len(often), len(some))
        start[some, own] = 1
        visits = walk.visits(start) / often
        visits[some, own] = -1.0
        found = visits.T.contiguous().topk(count, dim=1)
        parts.append(found.indices.masked_fill(found.values <= 0, -1))
    return torch.cat(parts)


def _parts(
    walk: RandomWalk, often: Tensor, videos: int, *, most: int
) -> Iterator[tuple[Rows, Rows]]:
    """Yield rows that are near each other, and the ``most`` videos to walk from them, ascending."""
    order = _near_each_other(walk, videos)
    groups = [order[start : start + TOGETHER] for start in range(0, videos, TOGETHER)]
    for first in range(0, len(groups), _WALKS):
        some = groups[first : first + _WALKS]
        start = torch.zeros(videos, len(some))
        for place, rows in enumerate(some):
            start[rows, place] = 1 / len(rows)
        visits = (walk.visits(start, steps=_PART_STEPS) / often).T.contiguous()
        for rows, line in zip(some, visits, strict=True):
            line[rows] = float("inf")
            yield rows, line.topk(min(most, videos)).indices.sort().values.numpy()


def _near_each_other(walk: RandomWalk, videos: int) -> Rows:
    """Return all rows in an order in which videos stand together that the same walks visit."""
    starts = np.arange(0, videos, TOGETHER)
    often, nearest = torch.full((videos,), -1.0), torch.zeros(videos, dtype=torch.int64)
    for first in range(0, len(starts), _WALKS):
        some = starts[first : first + _WALKS]
        start = torch.zeros(videos, len(some))
        start[some, np.arange(len(some))] = 1
        visits = walk.visits(start, steps=_NEAR_STEPS).max(dim=1)
        nearer = visits.values > often
        often[nearer] = visits.values[nearer]
        nearest[nearer] = visits.indices[nearer] + first
    return np.argsort(nearest.numpy(), kind="stable")
