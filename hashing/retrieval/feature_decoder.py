"""Linear decoder from codes to mean features: what a direction in feature space weighs each bit.

A text is a direction u in feature space, and answers are the videos whose mean feature has a large
dot product with it. Where only codes are stored, the mean feature is estimated from the K bits by
ridge regression, x ~ A b, so the same dot product is (A u) . b: real weights against stored bits.
One decoder serves every text; it is fitted from features and codes alone, without any text. [ours]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..models.hasher import F32
from .bitpack import U8, unpack

RIDGE = 30.0  # added to the diagonal of the bits' scatter matrix, in videos


@dataclass(frozen=True, slots=True, eq=False)
class FeatureDecoder:
    """Estimates centred mean features from centred bits of -1 and +1.

    Attributes:
        weights: A, (K, D) float32.
    """

    weights: F32

    def values(self, directions: npt.NDArray[np.floating]) -> F32:
        """Return the weights of the K bits for directions (Q, D), (Q, K) float32."""
        return np.asarray(directions @ self.weights.T, np.float32)


def fit_decoder(blocks: Iterable[tuple[U8, F32]], bits: int) -> FeatureDecoder:
    """Fit the decoder in one pass over videos.

    Args:
        blocks: Packed codes (B, ceil(K / 8)) and mean features (B, D) of some videos at a time.
        bits: K.

    Raises:
        ValueError: If there is no video.

    Example:
        >>> codes = np.array([[0b00], [0b01], [0b10], [0b11]] * 50, np.uint8)
        >>> means = np.array([[-1, 0], [1, 0], [-1, 0], [1, 0]] * 50, np.float32)  # bit 0 only
        >>> fit_decoder([(codes, means)], 2).weights.round(1)
        array([[0.9, 0. ],
               [0. , 0. ]], dtype=float32)
    """
    count, bit_sum, bit_scatter = 0, np.zeros(bits), np.zeros((bits, bits))
    feature_sum: npt.NDArray[np.float64] | float = 0.0
    cross: npt.NDArray[np.float64] | float = 0.0
    for codes, means in blocks:
        signs = np.where(unpack(codes, bits), 1.0, -1.0)  # (B, K)
        count += len(signs)
        bit_sum += signs.sum(axis=0)
        bit_scatter += signs.T @ signs
        feature_sum = feature_sum + means.sum(axis=0, dtype=np.float64)
        cross = cross + signs.T @ means.astype(np.float64)  # (K, D)
    if not count:
        raise ValueError("a decoder is fitted on at least one video")
    scatter = bit_scatter - np.outer(bit_sum, bit_sum) / count
    centred = cross - np.outer(bit_sum, feature_sum) / count
    solved = np.linalg.solve(scatter + RIDGE * np.eye(bits), centred)
    return FeatureDecoder(solved.astype(np.float32))
