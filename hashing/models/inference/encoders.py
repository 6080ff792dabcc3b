"""The temporal encoders in numpy: ``mix`` and ``mean`` of ``hashing.models.encoders.Encoder``."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from ...config.model import EncoderConfig
from ..hasher import F32
from .layers import LayerNorm, Linear, attend, gelu, relu, sigmoid, sinusoidal_encoding
from .tensors import TensorReader

_TINY = np.float32(1e-12)
_RANGES = (1.0, 0.25)  # of the mixer's gates, fractions of the clip; the third is one point


class FrameMixer(Protocol):
    """Mixes projected frames over time, for any T."""

    def mix(self, frames: F32) -> F32:
        """Mix frames (B, T, H) over time, (B, T, H)."""
        ...

    def mean(self, frames: F32) -> F32:
        """Return the mean over time of :meth:`mix`, (B, H)."""
        ...


class BlockLayers(NamedTuple):
    """Layers of a pre-norm transformer block."""

    attention_norm: LayerNorm
    qkv: Linear
    out_proj: Linear
    feed_forward_norm: LayerNorm
    into: Linear
    out: Linear


class NumpyTransformer:
    """Pre-norm transformer blocks over the frames of a clip.

    Args:
        config: Of the encoder.
        read: The network's tensors.

    Raises:
        KeyError: If a tensor is missing.
        ValueError: If one is of another shape.
    """

    def __init__(self, config: EncoderConfig, read: TensorReader) -> None:
        self._slots, self._heads = config.position_slots, config.num_heads
        self._activation: Callable[[F32], F32] = relu if config.activation == "relu" else gelu
        size, hidden = config.hidden_dim, config.feed_forward_dim
        self._blocks = [
            BlockLayers(
                attention_norm=read.norm(f"{name}.attention_norm", size),
                qkv=read.linear(f"{name}.attention.qkv", 3 * size, size, bias=config.bias),
                out_proj=read.linear(f"{name}.attention.out_proj", size, size),
                feed_forward_norm=read.norm(f"{name}.feed_forward_norm", size),
                into=read.linear(f"{name}.feed_forward.0", hidden, size, bias=config.bias),
                out=read.linear(f"{name}.feed_forward.2", size, hidden),
            )
            for name in (f"encoder.blocks.{i}" for i in range(config.num_layers))
        ]

    def mix(self, frames: F32) -> F32:
        """See :class:`FrameMixer`."""
        frames = self._with_positions(frames)
        for block in self._blocks:
            frames = self._attended(block, frames)
            frames += block.out(self._hidden(block, frames))
        return frames

    def mean(self, frames: F32) -> F32:
        """See :class:`FrameMixer`; the last linear layer is applied to the mean of its inputs."""
        frames = self._with_positions(frames)
        for block in self._blocks[:-1]:
            frames = self._attended(block, frames)
            frames += block.out(self._hidden(block, frames))
        last = self._blocks[-1]
        frames = self._attended(last, frames)
        hidden = self._hidden(last, frames).mean(axis=1)  # (B, hidden)
        return np.asarray(frames.mean(axis=1) + last.out(hidden), np.float32)

    def _attended(self, block: BlockLayers, frames: F32) -> F32:
        mixed = attend(block.qkv(block.attention_norm(frames)), self._heads)
        return block.out_proj(mixed) + frames

    def _hidden(self, block: BlockLayers, frames: F32) -> F32:
        return self._activation(block.into(block.feed_forward_norm(frames)))

    def _with_positions(self, frames: F32) -> F32:
        count, size = frames.shape[1:]
        positions = np.arange(count, dtype=np.float32)
        if self._slots:
            positions = (positions + np.float32(0.5)) * np.float32(self._slots)
            positions = positions / np.float32(count) - np.float32(0.5)
        return frames + sinusoidal_encoding(positions, size)


class _Direction(NamedTuple):
    inputs: Linear
    recurrent: Linear

    def __call__(self, frames: F32) -> F32:
        """Read frames (B, T, H) in order, (B, T, units)."""
        units = self.recurrent.weight.shape[1]
        given = self.inputs(frames)
        hidden = np.zeros((len(frames), units), np.float32)
        cell, found = hidden, np.empty((*frames.shape[:2], units), np.float32)
        for step in range(frames.shape[1]):
            gates = given[:, step] + self.recurrent(hidden)
            enter, forget, new, leave = np.split(gates, 4, axis=1)
            cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(new)
            hidden = sigmoid(leave) * np.tanh(cell)
            found[:, step] = hidden
        return found


class NumpyLstm:
    """Residual bidirectional LSTM layers; arguments and errors as :class:`NumpyTransformer`."""

    def __init__(self, config: EncoderConfig, read: TensorReader) -> None:
        size, units = config.hidden_dim, (config.hidden_dim + 1) // 2

        def direction(layer: str, end: str) -> _Direction:
            inputs, recurrent = (
                Linear(
                    read.array(f"{layer}.weight_{part}_l0{end}", 4 * units, width),
                    read.array(f"{layer}.bias_{part}_l0{end}", 4 * units),
                )
                for part, width in (("ih", size), ("hh", units))
            )
            return _Direction(inputs, recurrent)

        names = [f"encoder.layers.{i}.lstm" for i in range(config.num_layers)]
        self._layers = [(direction(name, ""), direction(name, "_reverse")) for name in names]

    def mix(self, frames: F32) -> F32:
        """See :class:`FrameMixer`."""
        size = frames.shape[2]
        for ahead, back in self._layers:
            both = np.concatenate([ahead(frames), back(frames[:, ::-1])[:, ::-1]], axis=2)
            frames = frames + both[..., :size]
        return frames

    def mean(self, frames: F32) -> F32:
        """See :class:`FrameMixer`."""
        return np.asarray(self.mix(frames).mean(axis=1), np.float32)


class _MixerBlock(NamedTuple):
    token_mixer_norm: LayerNorm
    gates: list[Linear]
    token_mixer: tuple[Linear, Linear]
    feed_forward_norm: LayerNorm
    feed_forward: tuple[Linear, Linear]


class NumpyMixer:
    """Mixer blocks over P points; arguments and errors as :class:`NumpyTransformer`."""

    def __init__(self, config: EncoderConfig, read: TensorReader) -> None:
        size, points = config.hidden_dim, config.mixer_tokens
        self._points = points
        reaches = [max(1, round(fraction * points)) for fraction in _RANGES] + [1]
        away = np.abs(np.arange(points)[:, None] - np.arange(points))  # (P, P)
        windows = np.stack([away <= reach for reach in reaches]).astype(np.float32)  # (3, P, P)
        self._around = windows / windows.sum(axis=2, keepdims=True)

        def mlp(name: str, width: int, hidden: int) -> tuple[Linear, Linear]:
            into = read.linear(f"{name}.0", hidden, width)
            return into, read.linear(f"{name}.2", width, hidden)

        self._blocks = [
            _MixerBlock(
                token_mixer_norm=read.norm(f"{name}.token_mixer_norm", size),
                gates=[
                    read.linear(f"{name}.gate.gates.{i}", size, size) for i in range(len(reaches))
                ],
                token_mixer=mlp(f"{name}.token_mixer", points, 2 * points),
                feed_forward_norm=read.norm(f"{name}.feed_forward_norm", size),
                feed_forward=mlp(f"{name}.feed_forward", size, config.feed_forward_dim),
            )
            for name in (f"encoder.blocks.{i}" for i in range(config.num_layers))
        ]

    def mix(self, frames: F32) -> F32:
        """See :class:`FrameMixer`."""
        weights = _interpolation_weights(frames.shape[1], self._points)  # (T, P)
        before = (weights / np.maximum(weights.sum(axis=0), _TINY)).T @ frames  # (B, P, H)
        points = before
        for block in self._blocks:
            gated = self._gated(block, block.token_mixer_norm(points))
            points = points + _mlp(block.token_mixer, gated.swapaxes(1, 2)).swapaxes(1, 2)
            points = points + _mlp(block.feed_forward, block.feed_forward_norm(points))
        back = weights / np.maximum(weights.sum(axis=1, keepdims=True), _TINY)
        return np.asarray(frames + back @ (points - before), np.float32)

    def mean(self, frames: F32) -> F32:
        """See :class:`FrameMixer`."""
        return np.asarray(self.mix(frames).mean(axis=1), np.float32)

    def _gated(self, block: _MixerBlock, points: F32) -> F32:
        gates = zip(block.gates, self._around, strict=True)
        weights = sum(sigmoid(gate(around @ points)) for gate, around in gates)
        return np.asarray(points * weights * np.float32(2 / len(block.gates)), np.float32)


def _mlp(layers: tuple[Linear, Linear], inputs: F32) -> F32:
    return layers[1](gelu(layers[0](inputs)))


def _interpolation_weights(frames: int, points: int) -> F32:
    """Return ``hashing.models.encoders.resample.interpolation_weights`` of whole clips, (T, P).

    >>> _interpolation_weights(2, 4)
    array([[0.75, 0.75, 0.25, 0.  ],
           [0.  , 0.25, 0.75, 0.75]], dtype=float32)
    """
    positions = (np.arange(frames) + 0.5) / frames
    grid = (np.arange(points) + 0.5) / points
    distance = np.abs(positions[:, None] - grid) * min(frames, points)
    return np.asarray(np.maximum(1 - distance, 0), np.float32)


NUMPY_ENCODERS: dict[str, Callable[[EncoderConfig, TensorReader], FrameMixer]] = {
    "transformer": NumpyTransformer,
    "lstm": NumpyLstm,
    "mlp-mixer": NumpyMixer,
}
"""The encoders of ``hashing.config.model.ENCODERS`` that need no torch."""
