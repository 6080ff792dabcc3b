"""Codes of the windows of videos: what a store made per time gets beside a code for each video."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.store.base import FeatureStore

from ..models.hasher import Hasher
from .bitpack import U8, pack, width
from .encode import check_finite
from .hamming import Rows
from .window_codes import WindowCodes
from .window_spans import WindowSpans, spans_of

BLOCK = 512  # windows that are encoded at a time


def encode_windows(
    store: FeatureStore,
    hasher: Hasher,
    *,
    rows: Rows | None = None,
    progress: Callable[[int], None] = lambda videos: None,
) -> WindowCodes:
    """Encode the windows of B videos of a store.

    Args:
        store: Features that fit the model.
        hasher: The model.
        rows: Rows of the B videos; by default all.
        progress: Called with the number of videos encoded since the last call.

    Raises:
        UsageError: If features are NaN or infinite.
        DamageError: If the store is damaged.
    """
    packed, places, starts, ends = [np.empty((0, width(hasher.bits)), np.uint8)], [], [], []
    chosen = range(len(store.videos)) if rows is None else rows.tolist()
    for place, row in enumerate(chosen):
        duration = float(store.videos.duration[row])
        frames = store.sequence(row)
        check_finite(frames.features[None], [store.videos.paths[row]])
        spans = spans_of(frames.seconds, duration)
        packed.append(codes_of_spans(frames.features, spans, hasher))
        places.append(np.full(len(spans.starts), place, np.int64))
        starts.append(spans.starts)
        ends.append(spans.starts + spans.length)
        progress(1)
    joined = [np.concatenate(parts) if parts else np.empty(0) for parts in (starts, ends)]
    numbers = np.concatenate(places) if places else np.empty(0, np.int64)
    return WindowCodes(np.concatenate(packed), numbers, *joined)


def codes_of_spans(features: npt.NDArray[np.floating], spans: WindowSpans, hasher: Hasher) -> U8:
    """Return the codes of the windows of one video, (W, bytes).

    Each window has as many frames as most have; the last of a shorter one is repeated.

    Args:
        features: Of its frames, (T, D).
        spans: Where the windows lie.
        hasher: The model.
    """
    counts = spans.after - spans.first
    frames = max(1, int(np.median(counts)))
    found = []
    for start in range(0, len(counts), BLOCK):
        part = slice(start, start + BLOCK)
        chosen = spans.first[part, None] + np.arange(frames)
        chosen = np.minimum(chosen, spans.after[part, None] - 1)
        found.append(pack(hasher.encode(features[chosen])))
    return np.concatenate(found)
