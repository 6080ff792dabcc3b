"""How good codes are: mAP, precision and recall at six K, with the protocol beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hashing.retrieval import metrics
from hashing.retrieval.codes import Codes
from hashing.retrieval.judge import Judged, judge
from hashing.retrieval.protocol import Protocol, choose_protocol

CUTOFFS = (5, 20, 40, 60, 80, 100)
METRICS = ("map", "map_min", "map_tied", "precision", "recall")
Scores = dict[str, dict[int, float]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of one method's codes.

    Attributes:
        method: Whose codes, such as ``chain``.
        bits: Length of a code.
        protocol: Who asked and who was searched.
        scores: For each of :data:`METRICS`, its value at each K.
    """

    method: str
    bits: int
    protocol: Protocol
    scores: Scores

    @property
    def gmap(self) -> float:
        """The geometric mean of mAP at the six K."""
        return metrics.geometric_mean(list(self.scores["map"].values()))

    def to_json(self) -> dict[str, object]:
        """Return the object that ``chainpipe eval --json`` prints."""
        named = {
            name: {str(k): value for k, value in at.items()} for name, at in self.scores.items()
        }
        return {
            "schema": 1,
            "method": self.method,
            "bits": self.bits,
            "protocol": self.protocol.facts(),
            "queries": len(self.protocol.queries),
            "database": len(self.protocol.database),
            **{name: named[name] for name in ("map", "map_min", "map_tied")},
            "gmap": self.gmap,
            **{name: named[name] for name in ("precision", "recall")},
        }


def evaluate(
    codes: Codes, *, method: str, progress: Callable[[int], None] = lambda queries: None
) -> Evaluation:
    """Score codes under the protocol that their splits ask for.

    Args:
        codes: Codes of a labeled store.
        method: Whose codes they are, to be printed.
        progress: Told the number of queries done since the last call.

    Returns:
        The scores, means over all queries.

    Raises:
        UsageError: If there are no labels, or nothing to evaluate on.
    """
    protocol = choose_protocol(codes.labels, codes.split)
    totals = np.zeros((len(METRICS), len(CUTOFFS)))
    ranks = max(CUTOFFS)
    for block in judge(codes.codes, codes.bits, codes.labels, protocol, ranks=ranks):
        totals += _sums(block)
        progress(len(block.hits))
    means = totals / len(protocol.queries)
    scores: Scores = {
        name: dict(zip(CUTOFFS, line.tolist(), strict=True))
        for name, line in zip(METRICS, means, strict=True)
    }
    return Evaluation(method, codes.bits, protocol, scores)


def _sums(block: Judged) -> metrics.Floats:
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
