"""Copy protocol: does an edited copy find its original at rank 1?

Queries are the copies with exactly one edit. The database holds originals, distractors and takes,
so no other copy of the same original. Right is a ``duplicate`` of the query; pairs that the truth
says to ``ignore`` are neither right nor wrong.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError

from ..retrieval.hamming import Rows
from .copies_truth import DUPLICATE, HINT, IGNORE, CopiesTruth, MadeVideo
from .metrics import Floats

Bools = npt.NDArray[np.bool_]
ALL_EDITS = "all"
SENTENCES = (
    "Each copy with exactly one edit asks; originals, distractors and takes are searched.",
    "Right is a duplicate of the query at rank 1; pairs to be ignored are left out.",
    "Equal distances at rank 1 count by the share of right videos among them.",
)


@dataclass(frozen=True, slots=True, repr=False)
class CopiesProtocol:
    """Queries and database of the copy protocol.

    Attributes:
        queries: Rows of the queries in the store, (Q,).
        database: Rows of the database, (N,); also the training videos without the copies.
        edits: The edit of each query, Q names.
        right: Whether a video of the database is a duplicate of the query, (Q, N).
        ignored: Whether it is left out for this query, (Q, N).
        unanswered: Copies with one edit without a duplicate in the database, which do not ask.
    """

    queries: Rows
    database: Rows
    edits: tuple[str, ...]
    right: Bools
    ignored: Bools
    unanswered: int


def copies_protocol(truth: CopiesTruth, paths: Sequence[bytes]) -> CopiesProtocol:
    """Choose queries and database among the videos of a store.

    Args:
        truth: Ground truth; its videos are named by the stems of the file names.
        paths: Paths of the store's videos, B of them.

    Raises:
        UsageError: If no video of the store is a query, or nothing is searched.
    """
    names = [PurePosixPath(os.fsdecode(path)).stem for path in paths]
    known = [(row, name) for row, name in enumerate(names) if name in truth.videos]
    database = [(row, name) for row, name in known if _searched(truth.videos[name])]
    asking = [(row, name) for row, name in known if _asks(truth.videos[name])]
    relation = np.array(
        [
            [truth.relations.get(frozenset((name, other)), "") for _, other in database]
            for _, name in asking
        ],
        np.dtypes.StringDType(),
    ).reshape(len(asking), len(database))
    right = relation == DUPLICATE
    kept = np.flatnonzero(right.any(axis=1))
    if not len(kept):
        raise UsageError("no copy with one edit has its original in the store", hint=HINT)
    return CopiesProtocol(
        queries=np.array([row for row, _ in asking], np.int64)[kept],
        database=np.array([row for row, _ in database], np.int64),
        edits=tuple(truth.videos[asking[i][1]].edits[0] for i in kept),
        right=right[kept],
        ignored=(relation == IGNORE)[kept],
        unanswered=len(asking) - len(kept),
    )


def right_at_one(distances: npt.NDArray[np.number], right: Bools, ignored: Bools) -> Floats:
    """Return whether the nearest answer is right, (Q,): the share of right ones where some tie.

    The share is what a random order of equal distances gives on average.

    Args:
        distances: From each query to each video of the database, (Q, N).
        right: Which videos are right answers, (Q, N).
        ignored: Which videos are left out, (Q, N).

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> distances = np.array([[1, 1, 0], [2, 1, 3]])
        >>> right = np.array([[True, False, False], [False, True, False]])
        >>> right_at_one(distances, right, np.array([[False, False, True]] + [[False] * 3]))
        array([0.5, 1. ])
    """
    if not distances.shape == right.shape == ignored.shape:
        raise ValueError(f"shapes differ: {distances.shape}, {right.shape}, {ignored.shape}")
    found = np.where(ignored, np.inf, distances)
    nearest = found == found.min(axis=1, keepdims=True)
    nearest &= ~ignored  # a query without any answer
    rate: Floats = (nearest & right).sum(axis=1) / np.maximum(nearest.sum(axis=1), 1)
    return rate


def rate_by_edit(first: Floats, edits: Sequence[str]) -> dict[str, float]:
    """Return the mean of :func:`right_at_one` over all queries, then by edit in alphabetical order.

    Args:
        first: One value a query, (Q,).
        edits: The edit of each query, Q names.

    Example:
        >>> rate_by_edit(np.array([1.0, 0.0, 1.0]), ["crop", "mirror", "crop"])
        {'all': 0.6666666666666666, 'crop': 1.0, 'mirror': 0.0}
    """
    named = np.array(edits)
    parts = {edit: float(first[named == edit].mean()) for edit in sorted(set(edits))}
    return {ALL_EDITS: float(first.mean()), **parts}


def _searched(video: MadeVideo) -> bool:
    return video.role in ("original", "distractor") or (video.role, video.kind) == ("hard", "take")


def _asks(video: MadeVideo) -> bool:
    return video.role == "copy" and len(video.edits) == 1
