"""Fit the feature decoder on a library; find the moments of videos that answer words best."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.store.base import FeatureStore

from ..models.hasher import F32
from ..models.linear_hash import video_means
from .bitpack import U8
from .codes import Codes
from .encode import finite_features
from .feature_decoder import FeatureDecoder, fit_decoder
from .hamming import Rows

SAMPLED = 20_000  # videos that the decoder is fitted on


def sampled_videos(videos: int) -> Rows:
    """Return at most 20,000 of N rows, evenly spaced."""
    count = min(videos, SAMPLED)
    return np.arange(count) * videos // max(count, 1)


def fit_on_library(
    codes: Codes,
    store: FeatureStore,
    *,
    unit_length: bool,
    progress: Callable[[int], None] = lambda videos: None,
) -> FeatureDecoder:
    """Fit the decoder on the videos of a store and their codes.

    Args:
        codes: Of all N videos of the store, in the order of its rows.
        store: Their features.
        unit_length: Whether frames are brought to length 1 before they are averaged.
        progress: Called with the number of videos read since the last call.

    Raises:
        UsageError: If features are NaN or infinite.
        DamageError: If the store is damaged.
    """
    rows = sampled_videos(len(codes))

    def blocks() -> Iterator[tuple[U8, F32]]:
        for part, features in finite_features(store, rows):
            frames = unit_frames(features) if unit_length else features
            yield codes.packed[rows[part]], video_means(frames)
            progress(len(features))

    return fit_decoder(blocks(), codes.bits)


def best_moments(
    direction: F32, rows: Rows, store: FeatureStore, *, unit_length: bool
) -> npt.NDArray[np.float64]:
    """Return for each row the second of its frame with the largest dot product, (n,).

    Args:
        direction: Of a text, (D,).
        rows: Rows of the store, in any order.
        store: The store.
        unit_length: Whether frames are brought to length 1.

    Raises:
        DamageError: If the store is damaged.
    """
    if not len(rows):
        return np.empty(0)
    order = np.argsort(rows)  # a store is read in ascending order
    features = store.features(rows[order])  # (n, T, D)
    frames = unit_frames(features) if unit_length else features.astype(np.float32)
    best = (frames @ direction).argmax(axis=1)
    found = np.empty(len(rows))
    found[order] = store.seconds(rows[order])[np.arange(len(rows)), best]
    return found


def unit_frames(features: npt.NDArray[np.floating]) -> F32:
    """Bring frames (B, T, D) to length 1; those of length 0 stay."""
    frames = features.astype(np.float32)
    lengths = np.linalg.norm(frames, axis=2, keepdims=True)
    np.divide(frames, lengths, out=frames, where=lengths > 0)
    return frames
