"""ConMH's trained network in numpy: encoding needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...models.hasher import F32
from ...models.inference.encoders import BlockLayers
from ...models.inference.layers import LayerNorm, Linear, attend, gelu, sinusoidal_encoding
from ...models.inference.tensors import TensorReader
from .config import EPSILON, ConmhConfig

BATCH = 128  # videos per forward pass


class ConmhHasher:
    """A sign per frame and bit; the mean over frames is the value.

    Args:
        config: Of the model.
        tensors: Its tensors.

    Raises:
        KeyError: If a tensor is missing.
        ValueError: If one is of another shape or unknown.
    """

    def __init__(self, config: ConmhConfig, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        read, encoder = TensorReader(tensors), config.encoder
        size, hidden, self._heads = encoder.hidden_dim, encoder.feed_forward_dim, encoder.num_heads
        inner = size // self._heads * self._heads

        def norm(name: str, width: int) -> LayerNorm:
            return read.norm(name, width)._replace(epsilon=EPSILON)

        def qkv(name: str) -> Linear:
            query, value = (read.array(f"{name}.{part}_bias", inner) for part in ("q", "v"))
            bias = np.concatenate([query, np.zeros(inner, np.float32), value])
            return read.linear(f"{name}.qkv", 3 * inner, size, bias=False)._replace(bias=bias)

        self._input = read.linear("input_proj", size, -1)
        self._blocks = [
            BlockLayers(
                attention_norm=norm(f"{name}.attention_norm", size),
                qkv=qkv(f"{name}.attention"),
                out_proj=read.linear(f"{name}.attention.out_proj", size, inner),
                feed_forward_norm=norm(f"{name}.feed_forward_norm", size),
                into=read.linear(f"{name}.feed_forward.0", hidden, size),
                out=read.linear(f"{name}.feed_forward.2", size, hidden),
            )
            for name in (f"blocks.{i}" for i in range(encoder.num_layers))
        ]
        self._norm = norm("norm", size)
        self._output = read.linear("output_proj", size, size)
        self._hash = read.linear("hash", -1, size)
        self._hash_norm = read.norm("hash_norm", self.bits)
        read.finish()

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return len(self._hash.weight)

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return the codes (B, K) of videos (B, T, D): 1 where at least half the signs are +1."""
        return self.values(features) >= 0

    def values(self, features: npt.NDArray[np.floating]) -> F32:
        """Map videos (B, T, D) to the means (B, K) of the frames' signs."""
        values = np.empty((len(features), self.bits), np.float32)
        for first in range(0, len(features), BATCH):
            part = features[first : first + BATCH].astype(np.float32)
            every = self._hash_norm(self._hash(self._encoded(part)))  # (B, T, K)
            values[first : first + BATCH] = np.where(every >= 0, 1, -1).mean(axis=1)
        return values

    def _encoded(self, clips: F32) -> F32:
        frames = self._input(clips)
        positions = np.arange(clips.shape[1], dtype=np.float32)
        frames += sinusoidal_encoding(positions, frames.shape[2])
        for block in self._blocks:
            mixed = attend(block.qkv(block.attention_norm(frames)), self._heads)
            frames += block.out_proj(mixed)
            frames += block.out(gelu(block.into(block.feed_forward_norm(frames))))
        return self._output(self._norm(frames))
