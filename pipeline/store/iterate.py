"""Iterate over a store video by video, to copy its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy.typing as npt

from ..records import Blank, Reader, Split, Status, VideoFeatures, VideoInfo, VideoTable
from .base import FeatureStore

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
    if store.meta.every:
        for row in run:
            frames = store.sequence(row)
            names = ("features", "seconds", "index")
            yield _video(store.videos, row, {name: getattr(frames, name) for name in names})
        return
    for start in range(run.start, run.stop, _BLOCK):
        block = slice(start, min(start + _BLOCK, run.stop))
        yield from _videos(store, block)


def _videos(store: FeatureStore, block: slice) -> Iterator[VideoFeatures]:
    columns: dict[str, npt.NDArray[Any]] = {
        "features": store.features(block),
        "seconds": store.seconds(block),
        "index": store.index(block),
    }
    if store.meta.per_segment:
        columns["candidates"] = store.candidates(block)
        columns["candidate_seconds"] = store.candidate_seconds(block)
        columns["candidate_index"] = store.candidate_index(block)
    if store.meta.views:
        columns["views"] = store.views(block)
    for place, row in enumerate(range(block.start, block.stop)):
        yield _video(store.videos, row, {name: array[place] for name, array in columns.items()})


def _video(table: VideoTable, row: int, arrays: Mapping[str, npt.NDArray[Any]]) -> VideoFeatures:
    info = VideoInfo(
        duration=float(table.duration[row]),
        fps=float(table.fps[row]),
        width=int(table.width[row]),
        height=int(table.height[row]),
        frames=int(table.frames[row]),
        track=int(table.track[row]),
    )
    return VideoFeatures(
        path=table.paths[row],
        video_id=table.ids[row].tobytes(),
        info=info,
        status=Status(table.status[row]),
        note=table.notes[row],
        reader=Reader(table.reader[row]),
        size=int(table.size[row]),
        mtime_ns=int(table.mtime_ns[row]),
        labels=table.names_of(row),
        split=Split(table.split[row]),
        blank=Blank(table.blank[row]),
        **arrays,
    )
