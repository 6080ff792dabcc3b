"""Evaluation protocol: the query rows, the database rows, and their description."""

from __future__ import annotations

from dataclasses import dataclass

from chainpipe.pipeline.console import counted

from ..retrieval.hamming import Rows
from .benchmarks import BENCHMARKS

LEAVE_ONE_OUT = "leave-one-out"
ALL_AGAINST_ALL = "all against all"
SEPARATE = "query against database"
ALL = "all videos"
NO_ANSWER = "A query without an answer within Hamming radius 2 has precision 0 there."


@dataclass(frozen=True, slots=True)
class Protocol:
    """The queries and the database of an evaluation.

    Attributes:
        name: ``leave-one-out``, ``all against all`` (the same with each query kept in the
            database), ``query against database``, or the name of a published benchmark.
        asking: Which part of the store the queries are: ``all videos``, ``test`` or ``query``.
        searched: Which part the database is.
        queries: Rows of the queries, (Q,) int64.
        database: Rows of the database, (N,) int64.
        unlabeled: Number of videos of ``asking`` that have no label and so are no queries.
        keeps_itself: Whether a query stays in the database and finds itself.
    """

    name: str
    asking: str
    searched: str
    queries: Rows
    database: Rows
    unlabeled: int
    keeps_itself: bool = False

    def facts(self) -> dict[str, str | int]:
        """Return the protocol as JSON values."""
        return {
            "name": self.name,
            "queries": self.asking,
            "database": self.searched,
            "itself": "kept" if self.keeps_itself else "removed",
            "unlabeled": self.unlabeled,
            "relevant": "shares at least one label with the query",
            "ties": "(distance, row); map_tied and pr_rank average over all orders",
            "map": "divides by K",
            "map_min": "divides by min(K, R)",
            "no_answer": "a query without an answer within a radius has precision 0 there",
        }

    def sentences(self) -> list[str]:
        """Return the protocol in sentences, one a line."""
        lines = [
            self._who(),
            "Right is an answer that shares at least one label with the query.",
            "AP@K = (1/K) * sum over ranks r <= K of right(r) * (right up to r) / r;"
            " map is its mean over all queries.",
            "map_min divides by min(K, R) instead of K, R being the right videos in the database.",
            "Equal distances are ordered by row; map_tied is the mean over all their orders.",
        ]
        if self.keeps_itself:
            lines.insert(1, "Each query finds itself at distance 0, which counts as right.")
        if self.unlabeled:
            unlabeled = counted(self.unlabeled, "video")
            lines.insert(1, f"Searched, but no query, for want of a label: {unlabeled}.")
        if self.differs_from_published():
            lines.insert(1, self._sizes())
        return lines

    def differs_from_published(self) -> bool:
        """Return whether this is a benchmark's protocol on a set of another size than published."""
        if (standard := BENCHMARKS.get(self.name)) is None:
            return False
        return (len(self.queries), len(self.database)) != (standard.queries, standard.database)

    def _who(self) -> str:
        head = f"{BENCHMARKS[self.name].title}'s protocol: " if self.name in BENCHMARKS else ""
        if self.asking != self.searched:
            return (
                f"{head}Each `{self.asking}` video asks and all `{self.searched}` videos are"
                " searched."
            )
        others = "all of them" if self.keeps_itself else "all others of them"
        if self.asking == ALL:
            others = "all" if self.keeps_itself else "all others"
            return (
                f"No splits: every video asks and {others} are searched ({self.name} over all);"
                " a model that was trained on this store has seen them."
            )
        return f"{head}Each `{self.asking}` video asks and {others} are searched."

    def _sizes(self) -> str:
        standard = BENCHMARKS[self.name]
        return (
            f"The published set has {standard.queries} queries and {standard.database} searched"
            f" videos, not {len(self.queries)} and {len(self.database)}: published figures are of"
            " another set."
        )
