"""Quantizers of faiss: product quantization and RaBitQ, asked with the query's real values.

Product quantization: Jegou, Douze and Schmid, 2011: https://doi.org/10.1109/TPAMI.2010.57
RaBitQ: Gao and Long, SIGMOD 2024: https://doi.org/10.1145/3654970
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...models.linear_hash import video_means
from ...retrieval.bitpack import U8
from ..pca_itq import random_orthogonal
from .base import F32, Features
from .floats import unit_rows

CENTROIDS = 256  # of each part of a product quantizer: one byte a part


class CentredUnits:
    """Centred mean features of length 1: their squared distance is twice 1 - cosine.

    Args:
        means: Mean features of the training videos, (N, D).
        columns: Pad with zeros to this number of columns; 0 keeps D.
    """

    def __init__(self, means: F32, columns: int = 0) -> None:
        self._mean = means.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._more = max(0, columns - means.shape[1])

    def of_means(self, means: F32) -> F32:
        """Return the vectors of mean features (N, D), (N, columns)."""
        return np.pad(unit_rows(means - self._mean), ((0, 0), (0, self._more)))

    def __call__(self, features: Features) -> F32:
        """Return the vectors of videos (N, T, D), (N, columns)."""
        return self.of_means(video_means(features))


class ProductCodes:
    """Product quantization and its asymmetric distance.

    Args:
        vectors: Gives the vectors of videos.
        quantizer: A trained ``faiss.ProductQuantizer`` with 8 bits a part.
    """

    def __init__(self, vectors: CentredUnits, quantizer: Any) -> None:
        self._vectors, self._quantizer = vectors, quantizer

    def store(self, features: Features) -> U8:
        """Return the nearest centroid of each part, (N, parts)."""
        codes: U8 = self._quantizer.compute_codes(self._vectors(features))
        return codes

    def distances(self, features: Features, stored: U8) -> F32:
        """Sum the squared distances to the stored centroids over the parts, (Q, N)."""
        import faiss

        queries = np.ascontiguousarray(self._vectors(features))
        tables = np.empty((len(queries), stored.shape[1], CENTROIDS), np.float32)
        self._quantizer.compute_distance_tables(
            len(queries), faiss.swig_ptr(queries), faiss.swig_ptr(tables)
        )
        total = np.zeros((len(queries), len(stored)), np.float32)
        for part in range(stored.shape[1]):
            total += tables[:, part, stored[:, part]]
        return total


def fit_product_codes(means: F32, size: int, *, seed: int) -> ProductCodes:
    """Train a product quantizer of ``size`` parts.

    Args:
        means: Mean features of the training videos, (N, D); at least 256.
        size: Bytes a video.
        seed: Seed of k-means.

    Raises:
        ValueError: If there are fewer training videos than centroids.
    """
    import faiss

    if len(means) < CENTROIDS:
        raise ValueError(f"{len(means)} training videos are fewer than {CENTROIDS} centroids")
    vectors = CentredUnits(means, columns=-(-means.shape[1] // size) * size)
    training = vectors.of_means(means)
    quantizer = faiss.ProductQuantizer(training.shape[1], size, 8)
    quantizer.cp.min_points_per_centroid = 1  # no warning about few videos
    quantizer.cp.seed = seed + 1
    quantizer.train(training)
    return ProductCodes(vectors, quantizer)


class RabitqCodes:
    """RaBitQ: a bit for each feature after a random rotation, and 8 bytes of correction.

    Args:
        means: Mean features of the training videos, (N, D).
        seed: Seed of the rotation.
    """

    def __init__(self, means: F32, *, seed: int) -> None:
        import faiss

        dim = means.shape[1]
        self._vectors = CentredUnits(means)
        rng = np.random.default_rng(seed)
        self._rotation = random_orthogonal(np.zeros((dim, 0)), dim, rng).astype(np.float32)
        self._index: Any = faiss.IndexRaBitQ(dim, faiss.METRIC_L2)
        self._index.qb = 0  # the query is not quantized
        self._index.train(self._rotated(self._vectors.of_means(means)))

    def _rotated(self, vectors: F32) -> F32:
        return np.ascontiguousarray(vectors @ self._rotation)

    def store(self, features: Features) -> U8:
        """Return the codes, (N, ceil(D / 8) + 8)."""
        codes: U8 = self._index.sa_encode(self._rotated(self._vectors(features)))
        return codes

    def distances(self, features: Features, stored: U8) -> F32:
        """Return the estimated squared distances, (Q, N)."""
        self._index.reset()
        self._index.add_sa_codes(np.ascontiguousarray(stored))
        found, rows = self._index.search(self._rotated(self._vectors(features)), len(stored))
        distances: F32 = np.empty_like(found)
        np.put_along_axis(distances, rows, found, axis=1)
        return distances
