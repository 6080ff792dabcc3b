"""Evaluate codes: mAP, precision, recall and precision-recall curves under a protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainpipe.pipeline.errors import UsageError

from ..retrieval.codes import Codes
from . import curves, metrics
from .choose_protocol import choose_protocol
from .curves import Curve
from .distances import HAMMING, Distance, HammingDistance
from .protocol import NO_ANSWER, Protocol
from .ranking import RankedBlock, rank_database

CUTOFFS = (5, 20, 40, 60, 80, 100)
METRICS = ("map", "map_min", "map_tied", "precision", "recall")
HAMMING_DISTANCE = HammingDistance()
Scores = dict[str, dict[int, float]]


@dataclass(frozen=True, slots=True, repr=False)
class Evaluation:
    """The scores of one method's codes.

    Attributes:
        method: Method of the model, such as ``chain``.
        bits: Code length K.
        protocol: Queries and database.
        scores: For each of :data:`METRICS`, its value at each K.
        pr_radius: Precision and recall within each Hamming radius, 0 to the number of bits;
            ``None`` for any other distance.
        pr_rank: Precision and recall down to a rank, ties averaged.
        distance: What ordered the database.

    Example:
        >>> import chainpipe
        >>> codes = chainpipe.Codes.from_bits([[0, 0], [0, 1], [1, 1]], labels=["a", "a", "b"])
        >>> result = chainpipe.evaluate(codes, method="mine")
        >>> result
        Evaluation(mine, 2 bits, 3 queries, mAP@20 0.0333)
        >>> result.to_json()["map"]["20"] == result.map(20)
        True
    """

    method: str
    bits: int
    protocol: Protocol
    scores: Scores
    pr_radius: Curve | None
    pr_rank: Curve
    distance: Distance = HAMMING_DISTANCE

    @property
    def gmap(self) -> float:
        """The geometric mean of mAP at the six K."""
        return metrics.geometric_mean(list(self.scores["map"].values()))

    @property
    def precision_radius_2(self) -> float | None:
        """Mean precision within Hamming radius 2; a query without an answer there counts 0.

        ``None`` for any other distance.
        """
        if self.pr_radius is None:
            return None
        return float(self.pr_radius.precision[min(curves.NEAR, self.bits)])

    def map(self, k: int) -> float:
        """Return mAP@K, AP divided by K; K is one of :data:`CUTOFFS`, 5 to 100.

        Raises:
            UsageError: If it was not measured at this K; so do the others.
        """
        return self._at("map", k)

    def map_min(self, k: int) -> float:
        """Return mAP@K, AP divided by min(K, R) of R right answers in the database."""
        return self._at("map_min", k)

    def map_tied(self, k: int) -> float:
        """Return mAP@K, the mean over all orders of equal distances."""
        return self._at("map_tied", k)

    def precision(self, k: int) -> float:
        """Return the mean share of right answers among the first K."""
        return self._at("precision", k)

    def recall(self, k: int) -> float:
        """Return the mean share of all right answers that the first K hold."""
        return self._at("recall", k)

    def _at(self, metric: str, k: int) -> float:
        if k not in self.scores[metric]:
            known = ", ".join(map(str, self.scores[metric]))
            raise UsageError(f"`{metric}` is not measured at {k}", hint=f"one of {known}")
        return self.scores[metric][k]

    def __repr__(self) -> str:
        asked = f"{len(self.protocol.queries)} queries"
        by = "" if self.pr_radius is not None else f", {self.distance.name}"
        score = f"mAP@20 {self.map(20):.4f}"
        return f"Evaluation({self.method}, {self.bits} bits, {asked}{by}, {score})"

    def sentences(self) -> list[str]:
        """Return protocol and distance in sentences, one a line."""
        first, *more = self.protocol.sentences()
        lines = [first, *self.distance.sentences(), *more]
        return lines if self.pr_radius is None else [*lines, NO_ANSWER]

    def to_json(self) -> dict[str, object]:
        """Return the scores as the JSON object of ``chainpipe eval --json``."""
        facts = self.protocol.facts()
        if self.pr_radius is None:
            del facts["no_answer"]
        named = {
            name: {str(k): value for k, value in at.items()} for name, at in self.scores.items()
        }
        return {
            "schema": 1,
            "method": self.method,
            "bits": self.bits,
            **self.distance.facts(),
            "protocol": facts,
            "queries": len(self.protocol.queries),
            "database": len(self.protocol.database),
            **{name: named[name] for name in ("map", "map_min", "map_tied")},
            "gmap": self.gmap,
            **{name: named[name] for name in ("precision", "recall")},
            **self._within_radius(),
            "pr_rank": self.pr_rank.to_json("rank"),
        }

    def _within_radius(self) -> dict[str, object]:
        """Return what only Hamming distances have, as JSON values."""
        if self.pr_radius is None:
            return {}
        radius = self.pr_radius.to_json("radius")
        return {"precision_radius_2": self.precision_radius_2, "pr_radius": radius}


def evaluate(
    codes: Codes,
    *,
    method: str,
    protocol: Protocol | None = None,
    distance: Distance = HAMMING_DISTANCE,
    progress: Callable[[int], None] = lambda queries: None,
) -> Evaluation:
    """Compute all metrics of packed codes, means over Q queries.

    Args:
        codes: Codes of B labelled videos.
        method: Method of the model, for tables.
        protocol: Queries and database; by default chosen by the splits.
        distance: What orders the database.
        progress: Called with the number of queries evaluated since the last call.

    Returns:
        The scores, means over all queries.

    Raises:
        UsageError: If there are no labels, or nothing to evaluate on.
    """
    if protocol is None:
        protocol = choose_protocol(codes.labels, codes.split)
    ranks = curves.rank_points(len(protocol.database))
    radii = np.arange(codes.bits + 1)
    by_bits = distance.name == HAMMING
    scores = np.zeros((len(METRICS), len(CUTOFFS)))
    by_radius, by_rank = np.zeros((3, len(radii))), np.zeros((3, len(ranks)))
    for block in rank_database(codes, protocol, distance, ranks=max(CUTOFFS)):
        scores += _sums(block)
        if by_bits:
            by_radius += curves.within_radius(block.totals, block.right).sum(axis=1)
        by_rank += curves.down_to_rank(block.totals, block.right, ranks).sum(axis=1)
        progress(len(block.hits))
    queries = len(protocol.queries)
    named = _named(scores / queries)
    radius_curve = Curve(radii, *by_radius / queries) if by_bits else None
    rank_curve = Curve(ranks, *by_rank / queries)
    return Evaluation(method, codes.bits, protocol, named, radius_curve, rank_curve, distance)


def _named(means: metrics.Floats) -> Scores:
    return {
        name: dict(zip(CUTOFFS, line.tolist(), strict=True))
        for name, line in zip(METRICS, means, strict=True)
    }


def _sums(block: RankedBlock) -> metrics.Floats:
    """Return each metric at each K, summed over the block's queries, (metrics, K)."""
    hits, relevant = block.hits, block.relevant
    gained = metrics.gains(hits)
    tied = metrics.tied_gains(block.totals, block.right, max(CUTOFFS))
    values = [
        [metrics.average_precision(gained, k) for k in CUTOFFS],
        [metrics.average_precision(gained, k, relevant=relevant) for k in CUTOFFS],
        [metrics.average_precision(tied, k) for k in CUTOFFS],
        [metrics.precision_at(hits, k) for k in CUTOFFS],
        [metrics.recall_at(hits, k, relevant) for k in CUTOFFS],
    ]
    return np.array([[at_k.sum() for at_k in line] for line in values])
