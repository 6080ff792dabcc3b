"""Who asks and who is searched: the rows of an evaluation, and the words that say so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hashing.retrieval.hamming import Rows
from hashing.retrieval.packing import U8
from pipeline.errors import UsageError
from pipeline.records import Split

LEAVE_ONE_OUT = "leave-one-out"
SEPARATE = "query against database"
ALL = "all videos"
HINT_LABELS = "put each video into a folder named after its class, or give `extract --labels FILE`"
HINT_SPLITS = "mark videos as `test`, or as `query` and `database`, in the labels file"


@dataclass(frozen=True, slots=True)
class Protocol:
    """Which rows ask and which rows are searched. A row is never an answer to itself.

    Attributes:
        name: ``leave-one-out`` or ``query against database``.
        asking: Which part of the store the queries are: ``all videos``, ``test`` or ``query``.
        searched: Which part the database is.
        queries: Rows that ask, (Q,).
        database: Rows that are searched, (N,).
        unlabeled: Videos of ``asking`` that do not ask, since no answer could be right.
    """

    name: str
    asking: str
    searched: str
    queries: Rows
    database: Rows
    unlabeled: int

    def facts(self) -> dict[str, str | int]:
        """Return the protocol for programs."""
        return {
            "name": self.name,
            "queries": self.asking,
            "database": self.searched,
            "itself": "removed",
            "unlabeled": self.unlabeled,
            "relevant": "shares at least one label with the query",
            "ties": "(distance, row); map_tied averages over all orders",
            "map": "divides by K",
            "map_min": "divides by min(K, R)",
        }

    def sentences(self) -> list[str]:
        """Return the protocol for people, one sentence a line."""
        lines = [
            self._who(),
            "Right is an answer that shares at least one label with the query.",
            "AP@K = (1/K) * sum over ranks r <= K of right(r) * (right up to r) / r;"
            " map is its mean over all queries.",
            "map_min divides by min(K, R) instead of K, R being the right videos in the database.",
            "Equal distances are ordered by row; map_tied is the mean over all their orders.",
        ]
        if self.unlabeled:
            lines.insert(1, f"{self.unlabeled} videos without a label are searched but do not ask.")
        return lines

    def _who(self) -> str:
        if self.name == SEPARATE:
            return f"Each `{self.asking}` video asks and all `{self.searched}` videos are searched."
        if self.asking == ALL:
            return (
                "No splits: every video asks and all others are searched (leave-one-out over all);"
                " a model that was trained on this store has seen them."
            )
        return f"Each `{self.asking}` video asks and all others of them are searched."


def choose_protocol(labels: U8, split: npt.NDArray[np.uint8]) -> Protocol:
    """Choose the protocol that a store's splits ask for.

    ``query`` and ``database`` win over ``test``; without any split all videos are used.

    Args:
        labels: Multi-hot, (N, C).
        split: :class:`pipeline.records.Split` numbers, (N,).

    Returns:
        The protocol.

    Raises:
        UsageError: If no query has a label, there is nothing to search, or the splits name
            no videos to evaluate on.

    Example:
        >>> three = np.array([Split.TRAIN, Split.TEST, Split.TEST], np.uint8)
        >>> choose_protocol(np.ones((3, 1), np.uint8), three).queries
        array([1, 2])
    """
    present = {Split(number) for number in np.unique(split)}
    if Split.QUERY in present and Split.DATABASE in present:
        return _protocol(labels, split, SEPARATE, Split.QUERY, Split.DATABASE)
    if Split.TEST in present:
        return _protocol(labels, split, LEAVE_ONE_OUT, Split.TEST, Split.TEST)
    if present <= {Split.NONE}:
        return _protocol(labels, split, LEAVE_ONE_OUT, None, None)
    names = ", ".join(f"`{one.name.lower()}`" for one in sorted(present - {Split.NONE}))
    raise UsageError(f"the splits ({names}) name no videos to evaluate on", hint=HINT_SPLITS)


def _protocol(
    labels: U8,
    split: npt.NDArray[np.uint8],
    name: str,
    asking: Split | None,
    searched: Split | None,
) -> Protocol:
    candidates, database = _rows(split, asking), _rows(split, searched)
    queries = candidates[labels[candidates].any(axis=1)]
    if len(queries) == 0:
        raise UsageError("no video that could ask has a label", hint=HINT_LABELS)
    if len(database) < 2 and name == LEAVE_ONE_OUT:
        raise UsageError(
            f"fewer than 2 videos to evaluate on (`{_name(searched)}`)", hint=HINT_SPLITS
        )
    unlabeled = len(candidates) - len(queries)
    return Protocol(name, _name(asking), _name(searched), queries, database, unlabeled)


def _rows(split: npt.NDArray[np.uint8], wanted: Split | None) -> Rows:
    return np.flatnonzero(np.ones(len(split), bool) if wanted is None else split == wanted)


def _name(wanted: Split | None) -> str:
    return ALL if wanted is None else wanted.name.lower()
