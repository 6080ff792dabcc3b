"""Reading a store video by video, to copy its rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pipeline.records import Reader, Split, Status, VideoFeatures, VideoInfo, VideoTable
from pipeline.store.base import FeatureStore

_BLOCK = 64


def iter_rows(store: FeatureStore, rows: range | None = None) -> Iterator[VideoFeatures]:
    """Yield videos in the order of the store, holding a few at a time.

    Args:
        store: Where they are.
        rows: A run of consecutive row numbers; all rows by default.

    Raises:
        DamageError: If a row's bytes are altered.
    """
    run = range(len(store.videos)) if rows is None else rows
    for start in range(run.start, run.stop, _BLOCK):
        block = slice(start, min(start + _BLOCK, run.stop))
        arrays = store.features(block), store.seconds(block), store.index(block)
        for row, arrays_of_row in enumerate(zip(*arrays, strict=True), start):
            yield _video(store.videos, row, *arrays_of_row)


def _video(
    table: VideoTable,
    row: int,
    features: npt.NDArray[np.floating],
    seconds: npt.NDArray[np.float64],
    index: npt.NDArray[np.int64],
) -> VideoFeatures:
    info = VideoInfo(
        duration=float(table.duration[row]),
        fps=float(table.fps[row]),
        width=int(table.width[row]),
        height=int(table.height[row]),
        frames=int(table.frames[row]),
    )
    return VideoFeatures(
        path=table.paths[row],
        video_id=table.ids[row].tobytes(),
        features=features,
        seconds=seconds,
        index=index,
        info=info,
        status=Status(table.status[row]),
        reader=Reader(table.reader[row]),
        size=int(table.size[row]),
        mtime_ns=int(table.mtime_ns[row]),
        labels=table.names_of(row),
        split=Split(table.split[row]),
    )
