"""Second pass over imported features: the rows of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..console import printable
from ..errors import DamageError
from ..records import Reader, Split, Status, StoreMeta, VideoFeatures, VideoInfo
from ..store.arrays.columns import Columns
from .source import FeatureSource
from .survey import SourceSurvey, as_stored, frames_of, rows_without


def store_rows(
    source: FeatureSource, found: SourceSurvey, columns: Columns, meta: StoreMeta
) -> Iterator[VideoFeatures]:
    """Yield the rows of the store.

    Args:
        source: The videos.
        found: What the first pass saw of them.
        columns: Names, labels and splits of the good ones.
        meta: The store's settings.

    Raises:
        DamageError: If the source is no longer what the first pass saw.
    """
    rows = rows_without(source, found.bad_numbers)
    for number, length in enumerate(found.lengths):
        row = next(rows, None)
        features = None if row is None else frames_of(row)
        if features is None or features.shape != (length, found.dim):
            raise _changed(source)
        stored = as_stored(features, found.dtype)
        if not np.isfinite(stored).all():
            raise _changed(source)
        labels = tuple(columns.label_names[i] for i in np.flatnonzero(columns.labels[number]))
        yield _video(columns.paths[number], stored, labels, Split(columns.split[number]), meta)


def _changed(source: FeatureSource) -> DamageError:
    hint = "run it again when nothing writes it"
    return DamageError(f"`{printable(source.path)}` changed while it was read", hint=hint)


def _video(
    path: bytes,
    features: np.ndarray[Any, np.dtype[np.floating]],
    labels: tuple[str, ...],
    split: Split,
    meta: StoreMeta,
) -> VideoFeatures:
    """Return a row; its id is the SHA-256 of its features, so that equal ones are known."""
    count, every = len(features), meta.every
    seconds = np.arange(count, dtype=np.float64) * (every or np.nan)
    return VideoFeatures(
        path=path,
        video_id=hashlib.sha256(np.ascontiguousarray(features).tobytes()).digest(),
        features=features,
        seconds=seconds,
        index=np.arange(count),
        info=VideoInfo(count * every, 1 / every if every else 0.0, 0, 0, count),
        status=Status.OK,
        reader=Reader.EXACT,
        size=0,
        mtime_ns=0,
        labels=labels,
        split=split,
    )
