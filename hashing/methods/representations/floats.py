"""Vectors of numbers: whole mean features, and PCA cut to numbers of one or two bytes."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ...models.linear_hash import video_means
from ...models.pca import principal_axes_of_rows
from ...retrieval.bitpack import U8
from .base import F32, Features

INT8_MAX = 127
NumberType = Literal["int8", "float16", "float32"]


def unit_rows(rows: F32) -> F32:
    """Divide each row (N, D) by its length; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: F32 = rows / np.maximum(lengths, 1e-12)
    return units


class ProjectedFloats:
    """Centred, projected mean features, and the cosine distance; queries keep their real values.

    Args:
        mean: Mean of the training videos' mean features, (D,).
        directions: Orthonormal directions, (D, M); ``None`` keeps all D features.
        kind: Type of a stored number.
        scale: int8 only: what a step of one stands for.
    """

    def __init__(
        self, mean: F32, directions: F32 | None, kind: NumberType, scale: float = 1.0
    ) -> None:
        self._mean, self._directions, self._scale = mean, directions, scale
        self._kind = np.dtype(kind)

    def _values(self, features: Features) -> F32:
        centred: F32 = np.asarray(video_means(features) - self._mean, np.float32)
        if self._directions is None:
            return centred
        return np.asarray(centred @ self._directions, np.float32)

    def store(self, features: Features) -> U8:
        """Round to the type of a stored number, (N, bytes)."""
        values = self._values(features) / self._scale
        if self._kind == np.int8:
            values = np.clip(np.rint(values), -INT8_MAX, INT8_MAX)
        return np.ascontiguousarray(values.astype(self._kind)).view(np.uint8)

    def distances(self, features: Features, stored: U8) -> F32:
        """Return 1 - cosine, (Q, N)."""
        numbers = np.ascontiguousarray(stored).view(self._kind).astype(np.float32)
        cosines: F32 = unit_rows(self._values(features)) @ unit_rows(numbers).T
        return 1 - cosines


def fit_cosine(means: F32) -> ProjectedFloats:
    """Keep all D features as float32, centred on the mean of the training videos (N, D)."""
    return ProjectedFloats(_centre(means), None, "float32")


def fit_pca_numbers(means: F32, size: int, kind: NumberType) -> ProjectedFloats:
    """Fit PCA with as many components as fit in ``size`` bytes; missing ones are 0.

    Args:
        means: Mean features of the training videos, (N, D).
        size: Bytes a video.
        kind: Type of a stored number; int8 has one step for all components, so that the largest
            training value just fits.
    """
    count = size // np.dtype(kind).itemsize
    centre = _centre(means)
    _, axes = principal_axes_of_rows(means.astype(np.float64) - centre, count)
    directions = np.zeros((means.shape[1], count), np.float32)
    directions[:, : axes.shape[1]] = axes
    largest = float(np.abs((means - centre) @ directions).max())
    scale = largest / INT8_MAX if kind == "int8" and largest else 1.0
    return ProjectedFloats(centre, directions, kind, scale)


def _centre(means: F32) -> F32:
    return np.asarray(means.mean(axis=0, dtype=np.float64), np.float32)
