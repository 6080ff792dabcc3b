"""Layers of a trained network on float32 arrays, as torch computes them up to rounding."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..hasher import F32

EPSILON = 1e-5  # of layer norms, torch's default


class Linear(NamedTuple):
    """A linear layer.

    Attributes:
        weight: (out, in).
        bias: (out,), or ``None``.
    """

    weight: F32
    bias: F32 | None

    def __call__(self, inputs: F32) -> F32:
        """Map inputs (..., in) to (..., out)."""
        rows = inputs.reshape(-1, inputs.shape[-1]) @ self.weight.T
        if self.bias is not None:
            rows += self.bias
        return rows.reshape(*inputs.shape[:-1], len(self.weight))


class LayerNorm(NamedTuple):
    """Layer normalization over the last axis.

    Attributes:
        weight: (H,).
        bias: (H,).
        epsilon: Added to the variance.
    """

    weight: F32
    bias: F32
    epsilon: float = EPSILON

    def __call__(self, inputs: F32) -> F32:
        """Normalize (..., H)."""
        centred: F32 = inputs - inputs.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        centred /= np.sqrt(variance + np.float32(self.epsilon))
        centred *= self.weight
        centred += self.bias
        return centred


def relu(values: F32) -> F32:
    """Set negative values to 0, in place."""
    return np.maximum(values, 0, out=values)


def gelu(values: F32) -> F32:
    """Return the Gaussian error linear unit, the exact one.

    >>> gelu(np.array([-1.0, 0.0, 1.0], np.float32))
    array([-0.15865526,  0.        ,  0.8413447 ], dtype=float32)
    """
    from scipy.special import erf  # a tenth of a second that the default network does not need

    return np.asarray(values * 0.5 * (1 + erf(values * np.float32(np.sqrt(0.5)))), np.float32)


def sigmoid(values: F32) -> F32:
    """Return the logistic function.

    >>> sigmoid(np.array([0.0, -200.0, 200.0], np.float32))
    array([0.5, 0. , 1. ], dtype=float32)
    """
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)


def attend(qkv: F32, num_heads: int) -> F32:
    """Return the heads' scaled dot-product attention, side by side.

    Args:
        qkv: Queries, keys and values of all heads, (B, T, 3 x heads x dims).
        num_heads: Number of heads.

    Returns:
        (B, T, heads x dims).
    """
    batch, time, size = qkv.shape
    parts = qkv.reshape(batch, time, 3, num_heads, -1).transpose(2, 0, 3, 1, 4)
    query, key, value = parts  # (B, heads, T, dims) each
    scores = query @ key.swapaxes(2, 3)
    scores *= np.float32(query.shape[3] ** -0.5)
    scores -= scores.max(axis=3, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=3, keepdims=True)
    mixed: F32 = scores @ value
    return mixed.swapaxes(1, 2).reshape(batch, time, size // 3)


def sinusoidal_encoding(positions: F32, hidden_dim: int) -> F32:
    """Return the sinusoidal encoding (T, H) of positions (T,): sines, then cosines.

    >>> sinusoidal_encoding(np.arange(2, dtype=np.float32), 2).round(4)
    array([[0.    , 1.    ],
           [0.8415, 0.5403]], dtype=float32)
    """
    half = (hidden_dim + 1) // 2
    powers = -np.arange(half, dtype=np.float32) / np.float32(half)
    angles = positions[:, None] * np.float32(10_000) ** powers  # (T, H / 2)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)[:, :hidden_dim]
