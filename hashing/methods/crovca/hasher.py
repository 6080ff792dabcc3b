"""CroVCA-like's trained network in numpy: encoding needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...models.hasher import F32
from ...models.inference.layers import EPSILON, gelu
from ...models.inference.tensors import TensorReader
from ...models.linear_hash import video_means
from .config import CrovcaConfig


class CrovcaHasher:
    """PCA of the mean feature, hash head, batch normalization.

    Args:
        config: Of the model.
        tensors: Its tensors.

    Raises:
        KeyError: If a tensor is missing.
        ValueError: If one is of another shape or unknown.
    """

    def __init__(self, config: CrovcaConfig, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        read = TensorReader(tensors)
        self._matrix = read.array("pca_matrix", -1, -1)
        dim, width = self._matrix.shape
        self._mean = read.array("pca_mean", dim)
        self._norm_mean = read.array("norm.running_mean", -1)
        self._norm_std = np.sqrt(read.array("norm.running_var", self.bits) + np.float32(EPSILON))
        self._into, last = None, "head"
        if hidden := config.head.hidden_dim:
            self._into, last = read.linear("head.0", hidden, width), "head.2"
            width = hidden
        self._out = read.linear(last, self.bits, width, bias=False)
        read.finish("norm.num_batches_tracked")

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return len(self._norm_mean)

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Encode videos (B, T, D) to codes (B, K): a bit is true where the value is >= 0."""
        return self.values(features) >= 0

    def values(self, features: npt.NDArray[np.floating]) -> F32:
        """Map videos (B, T, D) to values (B, K)."""
        centred = video_means(features) - self._mean
        hidden = np.asarray(centred @ self._matrix, np.float32)
        if self._into is not None:
            hidden = gelu(self._into(hidden))
        return np.asarray((self._out(hidden) - self._norm_mean) / self._norm_std, np.float32)
