"""Videos of ``mteb`` datasets to representations: from a store where it has them, else decoded."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.extraction.extraction_spec import ExtractionSpec
from chainpipe.pipeline.extraction.memory_file import file_of_bytes
from chainpipe.pipeline.extraction.one_video import read_one
from chainpipe.pipeline.inputs.manifest import content_id, identify
from chainpipe.pipeline.options import available_cpus
from chainpipe.pipeline.records import VideoError

from ..api.store import Store
from .representations import Features, Rows, VideoRepresentation

COLUMN = "video"
AT_ONCE = 32  # videos whose bytes are in memory
Item = Mapping[str, Any]  # a video of a dataset: its `path` and perhaps its `bytes`


class DatasetVideos:
    """Returns the representation of each video of a dataset.

    Args:
        representation: Of the videos.
        spec: Returns how to decode and embed those that no store has; None if nobody knows.
        store: Where to look first: by path, then by the SHA-256 of a video's bytes.
        workers: Videos decoded at a time; one a core by default.
    """

    def __init__(
        self,
        representation: VideoRepresentation,
        spec: Callable[[], ExtractionSpec | None],
        store: Store | None,
        workers: int | None,
    ) -> None:
        self._representation, self._spec_of, self._store = representation, spec, store
        self._lock = threading.Lock()
        self._workers = workers or available_cpus()

    def read(self, dataset: Any) -> Rows:
        """Return the representations of a dataset's N videos, in order.

        Args:
            dataset: With a column ``video``; it is not decoded by the ``datasets`` package.

        Raises:
            UsageError: If there is no such column, or a video is nowhere.
            VideoReadError: If a video cannot be decoded.
        """
        from datasets import Video

        if COLUMN not in dataset.column_names:
            columns = ", ".join(f"`{name}`" for name in dataset.column_names)
            hint = "chainpipe encodes videos only"
            raise UsageError(f"the task has no column `{COLUMN}` but {columns}", hint=hint)
        if isinstance(dataset.features[COLUMN], Video):
            dataset = dataset.cast_column(COLUMN, Video(decode=False))
        dataset = dataset.select_columns([COLUMN])
        if self._store is not None:
            _ = self._stored, self._by_path, self._by_id  # before there are several threads
        parts = []
        with ThreadPoolExecutor(self._workers) as pool:
            for start in range(0, len(dataset), AT_ONCE):
                items = dataset[start : start + AT_ONCE][COLUMN]
                parts += list(pool.map(self._one, items))
        return np.concatenate(parts)

    def _one(self, item: Item) -> Rows:
        row = self._row(item)
        if row is not None:
            return self._stored[row : row + 1]
        return self._representation.of_videos([self._features(item)])

    def _features(self, item: Item) -> Features:
        with self._lock:
            spec = self._spec
        if spec is None:
            name = printable(str(item["path"]))
            hint = "give a store that has the features of this task's videos"
            raise UsageError(f"`{name}` is not in the store, and is no file to read", hint=hint)
        if item["bytes"] is None:
            path = Path(item["path"])
            return read_one(path, spec, name=f"`{printable(item['path'])}`").features
        with file_of_bytes(item["bytes"]) as path:
            return read_one(path, spec, name=f"`{printable(str(item['path']))}`").features

    @cached_property
    def _spec(self) -> ExtractionSpec | None:
        return self._spec_of()

    @cached_property
    def _stored(self) -> Rows:
        assert self._store is not None
        return self._representation.of_store(self._store)

    @cached_property
    def _by_path(self) -> dict[str, int]:
        assert self._store is not None
        return {path: row for row, path in enumerate(video_paths(self._store))}

    @cached_property
    def _by_id(self) -> dict[bytes, int]:
        assert self._store is not None
        return {one.tobytes(): row for row, one in enumerate(self._store.video_ids)}

    def _row(self, item: Item) -> int | None:
        """Return the row of a video in the store, if it has it."""
        if self._store is None:
            return None
        if item["bytes"] is not None:
            return self._by_id.get(hashlib.sha256(item["bytes"]).digest())
        if (row := self._by_path.get(item["path"])) is not None:
            return row
        try:
            identify(Path(item["path"]))
            return self._by_id.get(content_id(Path(item["path"])))
        except VideoError:
            return None  # reading it says why


def video_paths(store: Store, rows: Sequence[int] | None = None) -> Iterator[str]:
    """Yield the absolute path of each video of a store as text, or of some rows.

    Bytes of a name that are not UTF-8 are written as digits: Arrow knows no other text.

    Args:
        store: The store.
        rows: The rows; by default all.
    """
    root = store.raw.root
    for row in range(len(store)) if rows is None else rows:
        yield os.path.join(root, store.paths[row]).decode("utf-8", "backslashreplace")
