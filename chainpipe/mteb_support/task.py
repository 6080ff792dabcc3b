"""A labelled feature store as a retrieval task of ``mteb``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, Features, Value, Video
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata

from chainpipe.hashing.evaluation.choose_protocol import choose_protocol
from chainpipe.hashing.evaluation.evaluate import CUTOFFS
from chainpipe.hashing.evaluation.protocol import Protocol
from chainpipe.hashing.evaluation.relevance import Relevance
from chainpipe.hashing.retrieval.encode import digest
from chainpipe.pipeline.errors import UsageError

from ..api.store import Store
from .videos import video_paths

SPLIT = "test"
_COLUMNS = Features({"id": Value("string"), "video": Video()})


class StoreRetrieval(AbsTaskRetrieval):
    """Retrieval among the videos of a store, made by :func:`chainpipe.mteb_task`.

    Beside the scores of ``mteb`` it gives those of :func:`evaluate`, computed from what ``mteb``
    measured for each query: ``chainpipe_map_at_20`` divides by K, ``chainpipe_map_min_at_20`` by
    min(K, R), and all are means over all queries, also those without a right answer. ``mteb``'s
    own scores divide by R, leave these queries out, and are rounded to 5 digits.

    Attributes:
        k_values: The K of all scores.
        protocol: Queries and database, as :func:`evaluate` chooses them.
    """

    k_values = (1, 10, *CUTOFFS)
    protocol: Protocol

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._top_k = max(self.k_values) + 1  # a query that finds itself is taken out afterwards

    def task_specific_scores(
        self,
        scores: dict[str, dict[str, float]],
        qrels: Mapping[str, Mapping[str, int]],
        results: dict[str, dict[str, float]],
        hf_split: str,
        hf_subset: str,
    ) -> dict[str, float]:
        """Return the scores of :func:`evaluate`.

        Args:
            scores: What ``mteb`` measured for each query.
            qrels: The right answers of each query.
            results: The answers; not needed.
            hf_split: Not needed.
            hf_subset: Not needed.
        """
        found: dict[str, float] = {}
        count = len(self.protocol.queries)
        for k in CUTOFFS:
            totals = np.zeros(4)
            for query, at in scores.items():
                right = len(qrels[query])
                gained = at[f"map_cut_{k}"] * right  # the sum of the precisions at right answers
                totals += gained / k, gained / min(k, right), at[f"P_{k}"], at[f"recall_{k}"]
            for name, total in zip(("map", "map_min", "precision", "recall"), totals, strict=True):
                found[f"chainpipe_{name}_at_{k}"] = float(total / count)
        return found


def build_task(store: Store, *, name: str | None, protocol: str) -> StoreRetrieval:
    """Return a task for ``mteb``; see :func:`chainpipe.mteb_task`.

    Args:
        store: The store.
        name: Of the task; the store's name by default.
        protocol: Its name.

    Raises:
        UsageError: If there are no labels, no query has a right answer, or the protocol does not
            fit the splits.
        DamageError: If the store is damaged.
    """
    chosen = choose_protocol(
        store.labels, store.raw.videos.split, name=protocol, features=store.backbone
    )
    return _task(store, chosen, name or Path(store.path).stem)


def _task(store: Store, protocol: Protocol, name: str) -> StoreRetrieval:
    kind = type(
        "LabelledStoreRetrieval",
        (StoreRetrieval,),
        {
            "metadata": _metadata(name, protocol, digest(store.raw.videos)),
            "ignore_identical_ids": not protocol.keeps_itself,
        },
    )
    right = _relevant(store, protocol)
    if not any(right.values()):
        hint = "an answer is right if it shares a label with the query"
        raise UsageError(f"no query of `{name}` has a right answer", hint=hint)
    task: StoreRetrieval = kind()
    task.protocol = protocol
    task.dataset = {
        "default": {
            SPLIT: {
                "corpus": _videos(store, protocol.database.tolist()),
                "queries": _videos(store, protocol.queries.tolist()),
                "relevant_docs": right,
                "top_ranked": None,
            }
        }
    }
    task.data_loaded = True
    return task


def _videos(store: Store, rows: list[int]) -> Dataset:
    videos = [{"path": path, "bytes": None} for path in video_paths(store, rows)]
    return Dataset.from_dict({"id": list(map(str, rows)), "video": videos}, features=_COLUMNS)


def _relevant(store: Store, protocol: Protocol) -> dict[str, dict[str, int]]:
    """Return the rows that share a label with each query, without the query itself."""
    relevance = Relevance(store.labels[protocol.database])
    found = {}
    for query in protocol.queries.tolist():
        rows = protocol.database[relevance.rows(store.labels[query])].tolist()
        right = [row for row in rows if protocol.keeps_itself or row != query]
        found[str(query)] = dict.fromkeys(map(str, right), 1)
    return found


def _metadata(name: str, protocol: Protocol, revision: str) -> TaskMetadata:
    return TaskMetadata(
        name=name,
        description=" ".join(protocol.sentences()[:1]),
        dataset={
            "path": f"chainpipe/{name}",
            "revision": revision,
        },
        type="Any2AnyRetrieval",
        category="v2v",
        modalities=["video"],
        eval_splits=[SPLIT],
        eval_langs=["zxx-Zxxx"],
        main_score="chainpipe_map_at_20",
    )
