"""What the real distances need of a store besides codes: values before binarization, and means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chainpipe.pipeline.store.base import FeatureStore

from ..model_folder.folder import ModelFacts
from ..models.hasher import F32, Hasher, with_values
from ..models.linear_hash import video_means
from .bitpack import pack, width
from .codes import Codes
from .encode import finite_features, store_codes
from .hamming import Rows


@dataclass(frozen=True, slots=True, eq=False)
class EncodedVideos:
    """Codes of B videos, with their values and their mean features.

    Attributes:
        codes: The codes.
        values: Values before binarization, (B, K) float32; (0, K) if they were not asked for.
        means: Mean feature of each video, (B, D) float32; (0, D) if they were not asked for.
    """

    codes: Codes
    values: F32
    means: F32


def encode_with_values(
    store: FeatureStore,
    facts: ModelFacts,
    hasher: Hasher,
    *,
    rows: Rows | None = None,
    values: bool = False,
    means: bool = False,
    progress: Callable[[int], None] = lambda videos: None,
) -> EncodedVideos:
    """Encode B videos of a store, and keep values or means, in one pass over the features.

    Args:
        store: Features that fit the model.
        facts: Facts of the model.
        hasher: The model.
        rows: Rows of the B videos; by default all.
        values: Keep the values.
        means: Keep the mean features.
        progress: Called with the number of videos encoded since the last call.

    Raises:
        UsageError: If features are NaN or infinite, or the hasher gives no values.
        DamageError: If the store is damaged.
    """
    chosen = np.arange(len(store.videos)) if rows is None else rows
    count, bits = len(chosen), hasher.bits
    packed = np.empty((count, width(bits)), np.uint8)
    kept = np.empty((count if values else 0, bits), np.float32)
    averages = np.empty((count if means else 0, facts.fingerprint.dim), np.float32)
    for part, features in finite_features(store, chosen):
        if values:
            kept[part] = with_values(hasher).values(features)
            packed[part] = pack(kept[part] >= 0)
        else:
            packed[part] = pack(hasher.encode(features))
        if means:
            averages[part] = video_means(features)
        progress(len(features))
    return EncodedVideos(store_codes(store, facts, packed, bits, chosen), kept, averages)
