"""Fused hasher: the trained network, rearranged for fast encoding, in numpy.

PCA whitening and the encoder's input projection are fused into one matrix. If the mean over frames
is binarized, only the mean of the encoder's output is computed, and the linear shortcut is applied
to the mean feature, once a video. Sums are taken in another order than in training: a bit can
differ only where its value is zero within rounding errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..config.model import HashConfig
from .hasher import F32
from .inference.encoders import FrameMixer
from .inference.layers import Linear
from .inference.summaries import NUMPY_SUMMARIES
from .inference.tensors import TensorReader
from .pca_whitening import l2_normalized

FRAMES = 800  # of a batch: the largest intermediate result then fits the cache of a core


class FusedHasher:
    """Encodes videos with the tensors of a trained network.

    Args:
        read: The network's tensors, all but those of ``encoder``.
        config: Of the hash layer.
        encoder: The temporal encoder behind its input projection.
        l2_normalize: Whether each frame is L2-normalized first.

    Raises:
        KeyError: If a tensor is missing.
        ValueError: If one is of another shape.
    """

    def __init__(
        self, read: TensorReader, *, config: HashConfig, encoder: FrameMixer, l2_normalize: bool
    ) -> None:
        self._mean, matrix = read.array("pca_mean", -1), read.array("pca_matrix", -1, -1)
        dims = matrix.shape[1]
        read.array("pca_std", dims)
        project = read.linear("encoder.input_proj", -1, dims)
        size = len(project.weight)
        self._matrix, self._l2_normalize, self._encoder = matrix, l2_normalize, encoder
        self._input = fused(self._mean, matrix, project)
        self._config = config
        self._norm = read.norm("hash_layer.norm", size)
        self._head = read.linear("hash_layer.head", -1, size)
        learned = len(self._head.weight)
        self._shortcut = (
            read.linear("hash_layer.shortcut", learned, dims) if config.init == "pca-itq" else None
        )
        self._general = (
            read.linear("hash_layer.general", -1, dims) if read.has("hash_layer.general") else None
        )

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        parts = (self._general, self._head)
        return sum(len(part.weight) for part in parts if part is not None)

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Encode videos (B, T, D) to codes (B, K): a bit is true where the value is >= 0."""
        return self.values(features) >= 0

    def values(self, features: npt.NDArray[np.floating]) -> F32:
        """Map videos (B, T, D) to values (B, K), whose signs are the bits."""
        values = np.empty((len(features), self.bits), np.float32)
        batch = max(1, FRAMES // features.shape[1])
        for start in range(0, len(features), batch):
            part = features[start : start + batch].astype(np.float32)
            values[start : start + batch] = self._values(part)
        return values

    def _values(self, features: F32) -> F32:
        if self._l2_normalize:
            features = l2_normalized(features)
        frames = self._input(features)  # (B, T, H)
        if self._config.binarize == "frame":
            inputs = self._project(features)
            every = self._bits(self._encoder.mix(frames), inputs)  # (B, T, K)
            return np.asarray(np.where(every >= 0, 1, -1).mean(axis=1), np.float32)
        return self._bits(self._encoder.mean(frames), self._summary(features))

    def _summary(self, features: F32) -> F32:
        """Summarize videos (B, T, D) by one vector each, (B, M)."""
        summarize = NUMPY_SUMMARIES[self._config.summary]
        if self._config.summary == "mean":  # the mean first, then one product instead of T
            return self._project(summarize(features))
        return summarize(self._project(features))

    def _project(self, features: F32) -> F32:
        return np.asarray((features - self._mean) @ self._matrix, np.float32)

    def _bits(self, encoded: F32, inputs: F32) -> F32:
        """Map encoded (..., H) and inputs (..., M) to values (..., K), the general bits first."""
        values = self._head(self._norm(encoded))
        if self._config.l2_normalize:
            inputs = l2_normalized(inputs)
        if self._shortcut is not None:
            values += self._shortcut(inputs)
        if self._general is None:
            return values
        return np.concatenate([self._general(inputs), values], axis=-1)


def fused(mean: F32, matrix: F32, input_proj: Linear) -> Linear:
    """Fuse PCA whitening and ``input_proj`` to one linear layer from D to H."""
    # In float64: the product is rounded once, as the two factors were.
    weight = (input_proj.weight.astype(np.float64) @ matrix.T.astype(np.float64)).astype(np.float32)
    shift = weight.astype(np.float64) @ mean.astype(np.float64)
    bias = np.zeros(len(weight)) if input_proj.bias is None else input_proj.bias
    return Linear(weight, (bias - shift).astype(np.float32))


def parts_of(tensors: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors that :class:`FusedHasher` reads besides those of the encoder's blocks."""
    kept = ("pca_", "hash_layer.", "encoder.input_proj.")
    return {name: tensor for name, tensor in tensors.items() if name.startswith(kept)}
