"""What a model of ``mteb`` makes of videos: binary codes, or mean frame features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.models.linear_hash import video_means
from chainpipe.hashing.retrieval.bitpack import unpack
from chainpipe.hashing.retrieval.encode import encode_features, finite_features
from chainpipe.hashing.retrieval.hamming import distance_matrix
from chainpipe.hashing.retrieval.rerank import cosine_steps, sample_centre

from ..api.model import Model
from ..api.store import Store

Features = npt.NDArray[np.floating]
Rows = npt.NDArray[Any]  # (N, ...), one representation a video


class VideoRepresentation(Protocol):
    """One representation of a video, and how far two are apart."""

    name: str

    def of_store(self, store: Store) -> Rows:
        """Return the representations of all N videos of a store."""
        ...

    def of_videos(self, features: Sequence[Features]) -> Rows:
        """Return the representations of videos with these frame features, (T, D) each."""
        ...

    def embeddings(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Return representations as vectors, (N, K), for classifiers and clusterings."""
        ...

    def distances(self, queries: Rows, corpus: Rows) -> npt.NDArray[np.integer]:
        """Return whole-numbered distances, (Q, N)."""
        ...


class CodeRepresentation:
    """Packed binary codes, (N, ceil(K / 8)), compared by Hamming distance.

    Args:
        model: The model.
    """

    def __init__(self, model: Model) -> None:
        self.name = f"{model.method}-{model.bits}"
        self._model = model

    def of_store(self, store: Store) -> Rows:
        """See :class:`VideoRepresentation`."""
        return self._model.encode(store).packed

    def of_videos(self, features: Sequence[Features]) -> Rows:
        """See :class:`VideoRepresentation`."""
        hasher = self._model.hasher
        return np.concatenate([encode_features(hasher, one[None], [b"video"]) for one in features])

    def embeddings(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Return -1 and 1 a bit: a dot product is then K minus twice the Hamming distance."""
        return 2 * unpack(rows, self._model.bits).astype(np.float32) - 1

    def distances(self, queries: Rows, corpus: Rows) -> npt.NDArray[np.integer]:
        """See :class:`VideoRepresentation`."""
        return distance_matrix(queries, corpus)


class FeatureRepresentation:
    """Mean frame features, (N, D), compared by cosine after centring on the corpus.

    It is the order of ``evaluate(distance="rerank")`` when all answers are re-ranked.

    Args:
        name: Of the backbone.
    """

    def __init__(self, name: str) -> None:
        self.name = name.replace("/", "-").replace(":", "-")

    def of_store(self, store: Store) -> Rows:
        """See :class:`VideoRepresentation`."""
        rows = np.arange(len(store))
        return np.concatenate([video_means(part) for _, part in finite_features(store.raw, rows)])

    def of_videos(self, features: Sequence[Features]) -> Rows:
        """See :class:`VideoRepresentation`."""
        return np.concatenate([video_means(one[None]) for one in features])

    def embeddings(self, rows: Rows) -> npt.NDArray[np.float32]:
        """See :class:`VideoRepresentation`."""
        return np.asarray(rows, np.float32)

    def distances(self, queries: Rows, corpus: Rows) -> npt.NDArray[np.integer]:
        """Return 1 - cosine in steps of 1e-4."""
        centre = sample_centre(lambda rows: corpus[rows], len(corpus))
        return np.stack([cosine_steps(query, corpus, centre) for query in queries])
