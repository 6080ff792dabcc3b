"""chainpipe's codes and features as a model that ``mteb`` evaluates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from mteb.models.model_meta import ModelMeta, ScoringFunction

from chainpipe.hashing.cli.encode import training_meta
from chainpipe.hashing.evaluation.real_distances import nearest_rows
from chainpipe.hashing.model_folder.folder import check_fingerprint
from chainpipe.pipeline.extraction.extraction_spec import ExtractionSpec
from chainpipe.pipeline.extraction.one_video import kept_backbone
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.single_videos import spec_like
from chainpipe.pipeline.extraction.specs import meta_of
from chainpipe.pipeline.options import BackboneOptions
from chainpipe.pipeline.records import StoreMeta
from chainpipe.pipeline.store.arrays.store import BACKBONE as ARRAYS

from ..api.model import Model
from ..api.store import Store
from .representations import CodeRepresentation, FeatureRepresentation, Rows, VideoRepresentation
from .videos import DatasetVideos

CELLS = 1 << 22  # queries x videos of the corpus that are compared at once
Vectors = npt.NDArray[np.float32]
Results = dict[str, dict[str, float]]


class MtebModel:
    """A model for ``mteb.evaluate``, made by :func:`chainpipe.mteb_model`.

    It searches in the order (distance, row), as chainpipe's own evaluation does. Answers of equal
    distance get scores that differ by less than distances do, so that ``mteb`` keeps this order.

    Attributes:
        mteb_model_meta: Name, revision, size and modality of the model.
    """

    def __init__(
        self, representation: VideoRepresentation, reader: DatasetVideos, meta: ModelMeta
    ) -> None:
        self.mteb_model_meta = meta
        self._representation, self._reader = representation, reader
        self._corpus: Rows | None = None
        self._corpus_ids: list[str] = []

    def encode(self, inputs: Any, **kwargs: Any) -> Vectors:
        """Return vectors of N videos, (N, K): -1 and 1 of codes, or mean features.

        Args:
            inputs: Data loader of a dataset with a column ``video``.
            **kwargs: What ``mteb`` says about the task; not needed.

        Raises:
            UsageError: If there is no such column.
            VideoReadError: If a video cannot be decoded.
        """
        return self._representation.embeddings(self._reader.read(inputs.dataset))

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Vectors:
        """Return the cosine of each pair of vectors, (N, M); of codes it is 1 - 2 * distance / K.

        Args:
            embeddings1: (N, K), as :meth:`encode` returns them.
            embeddings2: (M, K).
        """
        return np.asarray(_unit(embeddings1) @ _unit(embeddings2).T)

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Vectors:
        """Return the cosine of each vector with that at the same place, (N,).

        Args:
            embeddings1: (N, K), as :meth:`encode` returns them.
            embeddings2: (N, K).
        """
        return np.asarray((_unit(embeddings1) * _unit(embeddings2)).sum(axis=1))

    def index(self, corpus: Any, **kwargs: Any) -> None:
        """Keep the representations of the N videos that are searched.

        Args:
            corpus: Dataset with the columns ``id`` and ``video``.
            **kwargs: What ``mteb`` says about the task; not needed.

        Raises:
            UsageError: If there is no such column.
            VideoReadError: If a video cannot be decoded.
        """
        self._corpus_ids = [str(one) for one in corpus["id"]]
        self._corpus = self._reader.read(corpus)

    def search(self, queries: Any, *, top_k: int, top_ranked: Any = None, **kwargs: Any) -> Results:
        """Return the scores of the nearest videos of each query, in the order (distance, row).

        Args:
            queries: Dataset with the columns ``id`` and ``video``.
            top_k: How many answers.
            top_ranked: The ids that may answer each query; by default all.
            **kwargs: What ``mteb`` says about the task; not needed.

        Raises:
            UsageError: If there is no such column.
            VideoReadError: If a video cannot be decoded.
            RuntimeError: If nothing was indexed.
        """
        if self._corpus is None:
            raise RuntimeError("`index` comes before `search`")
        asked, ids = self._reader.read(queries), [str(one) for one in queries["id"]]
        step = max(1, CELLS // max(1, len(self._corpus)))
        found: Results = {}
        for start in range(0, len(ids), step):
            distances = self._representation.distances(asked[start : start + step], self._corpus)
            for query, line in zip(ids[start : start + step], distances, strict=True):
                allowed = None if top_ranked is None else top_ranked.get(query, ())
                found[query] = self._nearest(line, top_k, allowed)
        return found

    def _nearest(
        self, distances: npt.NDArray[np.integer], most: int, allowed: Any
    ) -> dict[str, float]:
        """Return the scores of the nearest videos of one query; larger is nearer."""
        rows = np.arange(len(distances))
        if allowed is not None:
            names = set(allowed)
            rows = np.array([row for row in rows if self._corpus_ids[row] in names], np.int64)
        if not len(rows):
            return {}
        count = min(most, len(rows))
        (order,) = nearest_rows(distances[rows][None], np.array([-1]), ranks=count)
        places = enumerate(rows[order].tolist())
        return {
            self._corpus_ids[row]: -float(distances[row]) - place / (count + 1)
            for place, row in places
        }


def build_model(
    model: Model | None,
    *,
    backbone: str,
    frames: int,
    store: Store | None,
    workers: int | None,
    options: BackboneOptions,
) -> MtebModel:
    """Return a model for ``mteb``; see :func:`chainpipe.mteb_model`.

    Args:
        model: Makes the codes; None for mean frame features.
        backbone: For features: the image backbone.
        frames: For features: T, frames per video.
        store: Videos that it has are not decoded.
        workers: Videos decoded at a time; one a core by default.
        options: Where and how the backbone runs.

    Raises:
        UsageError: If the backbone is not to be had, or the store is of another one.
    """
    if model is None:
        meta = _feature_meta(store, backbone, frames, options)
        representation: VideoRepresentation = FeatureRepresentation(meta.fingerprint.backbone)
        size, revision = meta.fingerprint.dim, meta.fingerprint.weights_sha256
    else:
        meta = training_meta(model.facts)
        if store is not None and store.backbone != ARRAYS:
            check_fingerprint(model.facts, store.raw.meta.fingerprint)
        representation = CodeRepresentation(model)
        size, revision = model.bits, model.facts.weights_sha256
    reader = DatasetVideos(representation, lambda: _spec(meta, options), store, workers)
    return MtebModel(representation, reader, _model_meta(representation.name, revision, size))


def _feature_meta(
    store: Store | None, backbone: str, frames: int, options: BackboneOptions
) -> StoreMeta:
    """Return how features are made: as those of the store, or by the settings."""
    if store is not None:
        return store.raw.meta
    network = kept_backbone(backbone, options)
    return meta_of(ExtractOptions.of(Path(), Path("row.h5"), frames=frames), network)


def _spec(meta: StoreMeta, options: BackboneOptions) -> ExtractionSpec | None:
    """Return how to decode videos; None for features of arrays, which no backbone made."""
    name = meta.fingerprint.backbone
    if name == ARRAYS:
        return None
    return spec_like(meta, kept_backbone(name, options))


def _model_meta(name: str, revision: str, size: int) -> ModelMeta:
    return ModelMeta.create_empty(
        overwrites={
            "name": f"chainpipe/{name}",
            "revision": revision or "arrays",
            "embed_dim": size,
            "modalities": ["video"],
            "framework": ["PyTorch"],
            "similarity_fn_name": ScoringFunction.CUSTOM,
            "use_instructions": False,
        }
    )


def _unit(vectors: Any) -> Vectors:
    found = np.asarray(vectors, np.float32)
    sizes = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.where(sizes > 0, sizes, 1), np.float32)
