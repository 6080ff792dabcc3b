"""Score a representation: mAP@20 and P@1 by labels, or the rate of copies found at rank 1."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from chainpipe.pipeline.store.base import FeatureStore

from ...evaluation.copies import CopiesProtocol, rate_by_edit, right_at_one
from ...evaluation.metrics import average_precision, gains, precision_at
from ...evaluation.protocol import Protocol
from ...evaluation.ranking import own_places
from ...evaluation.real_distances import comparable, nearest_rows
from ...evaluation.relevance import Relevance
from ...methods.representations.base import Representation
from ...retrieval.bitpack import U8
from ...retrieval.hamming import Rows

BLOCK = 128  # videos at once
DEPTH = 20  # K of mAP@K
MAP, FIRST = "map@20", "p@1"


@dataclass(frozen=True, slots=True)
class RivalScore:
    """Scores of a representation.

    Attributes:
        scores: ``map@20`` and ``p@1``; of copies ``p@1`` and ``p@1 EDIT`` of each edit.
        bytes: Bytes a stored video.
        query_cpu: CPU seconds of a query: encode it and compare it with the whole database.
    """

    scores: dict[str, float]
    bytes: int
    query_cpu: float


def score(
    representation: Representation, store: FeatureStore, protocol: Protocol | CopiesProtocol
) -> RivalScore:
    """Store the database, ask every query block by block, and average the scores.

    Args:
        representation: A fitted representation.
        store: Features of queries and database.
        protocol: Queries and database, by labels or of copies.
    """
    database = protocol.database
    stored = np.concatenate(
        [
            representation.store(store.features(database[start : start + BLOCK]))
            for start in range(0, len(database), BLOCK)
        ]
    )
    answers = _Answers(store, protocol)
    spent = 0.0
    for start in range(0, len(protocol.queries), BLOCK):
        part = slice(start, start + BLOCK)
        features = store.features(protocol.queries[part])
        begun = time.process_time()
        distances = representation.distances(features, stored)
        spent += time.process_time() - begun
        answers.add(part, distances)
    return RivalScore(answers.scores(), stored.shape[1], spent / len(protocol.queries))


class _Answers:
    """Collects what each query found."""

    def __init__(self, store: FeatureStore, protocol: Protocol | CopiesProtocol) -> None:
        self._protocol, self._labels = protocol, store.videos.labels
        self._found: list[np.ndarray] = []
        if isinstance(protocol, Protocol):
            self._relevance = Relevance(self._labels[protocol.database])
            self._own: Rows = own_places(protocol)

    def add(self, part: slice, distances: np.ndarray) -> None:
        protocol = self._protocol
        if isinstance(protocol, CopiesProtocol):
            right, ignored = protocol.right[part], protocol.ignored[part]
            self._found.append(right_at_one(comparable(distances), right, ignored)[:, None])
            return
        rows = nearest_rows(distances, self._own[part], ranks=DEPTH)
        labels: U8 = self._labels[protocol.queries[part]]
        hits = self._relevance.right(labels, rows)
        self._found.append(
            np.column_stack([average_precision(gains(hits), DEPTH), precision_at(hits, 1)])
        )

    def scores(self) -> dict[str, float]:
        found = np.concatenate(self._found)
        if isinstance(self._protocol, Protocol):
            return dict(zip((MAP, FIRST), found.mean(axis=0).tolist(), strict=True))
        rates = rate_by_edit(found[:, 0], self._protocol.edits)
        whole, *edits = rates.items()
        return {FIRST: whole[1], **{f"{FIRST} {edit}": rate for edit, rate in edits}}
