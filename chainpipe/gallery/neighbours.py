"""The nearest videos of each video of a library: by codes, or by mean features without a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.models.linear_hash import video_means
from chainpipe.hashing.retrieval.backends import AUTO, make_index
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.hashing.retrieval.search import search
from chainpipe.pipeline.store.base import FeatureStore

_BLOCK = 256  # videos that are compared with all at a time
_DIGITS = 4  # of a real distance

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class NearVideos:
    """The nearest videos of N videos, nearest first, equal distances by row.

    Attributes:
        rows: (N, min(k, N - 1)).
        distances: The same shape: bits that differ, or 1 - cosine of centred mean features.
        bits: K, the length of a code; 0 where mean features were compared.
    """

    rows: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]
    bits: int = 0


def nearest_by_codes(codes: Codes, k: int) -> NearVideos:
    """Return the k nearest videos of each by Hamming distance of the codes."""
    count = len(codes)
    k = min(k, count - 1)
    if k < 1:
        return _none(count, codes.bits)
    index = make_index(codes.packed, codes.bits, queries=count, backend=AUTO)
    found = search(index, codes.packed, k, left_out=[{row} for row in range(count)])
    rows = [[answer.row for answer in answers] for answers in found]
    distances = [[answer.distance for answer in answers] for answers in found]
    return NearVideos(np.array(rows, np.int64), np.array(distances, np.float64), codes.bits)


def nearest_by_means(means: F32, k: int) -> NearVideos:
    """Return the k nearest videos of each by the cosine of centred mean features, (N, D).

    >>> means = np.array([[1, 0], [0.9, 0.1], [-1, 0], [0, 1]], np.float32)
    >>> nearest_by_means(means, 1).rows.tolist()
    [[1], [0], [3], [2]]
    """
    count = len(means)
    k = min(k, count - 1)
    if k < 1:
        return _none(count, 0)
    unit = centred_units(means)
    rows = np.empty((count, k), np.int64)
    distances = np.empty((count, k))
    for start in range(0, count, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, count))
        far = np.round(1 - (unit[block] @ unit.T).astype(np.float64), _DIGITS)
        far[np.arange(len(block)), block] = np.inf
        limits = np.partition(far, k - 1, axis=1)[:, k - 1]
        for row, own, limit in zip(block, far, limits, strict=True):
            near = np.flatnonzero(own <= limit)
            rows[row] = near[np.argsort(own[near], kind="stable")[:k]]
            distances[row] = own[rows[row]]
    return NearVideos(rows, np.abs(distances))


def centred_units(means: F32) -> F32:
    """Return mean features (N, D) without their mean, each of length 1; zeros stay zeros."""
    centred = means - means.mean(axis=0, dtype=np.float64).astype(np.float32)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.where(length > 0, length, 1), np.float32)


def mean_features(store: FeatureStore) -> F32:
    """Return the mean feature of each video of a store, (N, D).

    Raises:
        DamageError: If a row's bytes are altered.
    """
    count = len(store.videos)
    parts = [
        video_means(store.features(np.arange(start, min(start + _BLOCK, count))))
        for start in range(0, count, _BLOCK)
    ]
    return np.concatenate([np.empty((0, store.shape[2]), np.float32), *parts])


def _none(count: int, bits: int) -> NearVideos:
    return NearVideos(np.empty((count, 0), np.int64), np.empty((count, 0)), bits)
