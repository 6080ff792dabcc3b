"""A library of films that clips are looked for in: its store, its index, and maybe a model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import DamageError, StorageError
from chainpipe.pipeline.records import StoreMeta
from chainpipe.pipeline.store import FeatureStore

from ..matching.records import FrameSequence
from ..models.hasher import Hasher
from ..retrieval.bitpack import U8
from ..retrieval.encode_windows import codes_of_spans
from ..retrieval.window_codes import WindowCodes
from ..retrieval.window_spans import spans_of
from .chance import fit_threshold
from .film_frames import FilmFrames
from .film_index import FilmIndex, build_index
from .finder import ClipFinder
from .index_file import read_index, write_index

FINER = 2  # frames of a clip for each of a film
CLIP_STEP = 0.25  # seconds between the frames of a clip, where a store has T frames a video
COARSE = 1.0  # mean seconds between the frames of a store from which a hint is due

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
Log = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class ModelWindows:
    """A model and its codes of a store's windows, in place of the index's own.

    Attributes:
        hasher: The model.
        windows: Of the store.
    """

    hasher: Hasher
    windows: WindowCodes

    def encode(self, clip: FrameSequence) -> U8:
        """Return the codes of the windows of a clip, its features as a store has them."""
        return codes_of_spans(clip.features, spans_of(clip.seconds, clip.duration), self.hasher)


def clip_meta(meta: StoreMeta) -> StoreMeta:
    """Return how a clip is extracted that is looked for in a store with these settings.

    >>> from chainpipe.pipeline.records import Fingerprint
    >>> clip_meta(StoreMeta(Fingerprint("cnn", "00", 8, "fit=crop"), 25, every=0.5)).every
    0.25
    """
    step = meta.every / FINER if meta.every else CLIP_STEP
    return replace(
        meta,
        every=step,
        by="time",
        sampling="uniform",
        per_segment=0,
        views=0,
        views_mode="consistent",
    )


def clip_finder(
    store: FeatureStore,
    *,
    index_file: Path | None,
    model: ModelWindows | None = None,
    progress: Progress,
    log: Log = lambda line: None,
) -> ClipFinder:
    """Return what finds clips in a store; the first time, all its films are read.

    Args:
        store: The films; open as long as clips are looked for.
        index_file: Where the index is kept; ``None`` keeps it nowhere.
        model: Whose codes give the candidates; by default the index's own.
        progress: Progress bar: ``with progress(what, total) as advance``.
        log: Prints one line.

    Raises:
        DamageError: If the store is damaged.
        UsageError: If features are not finite, or nobody knows when frames are shown.
    """
    index = _index(store, index_file, progress, log)
    frames = FilmFrames(store, index.space)
    if model is None:
        return ClipFinder(frames, index)
    found = model.windows
    codes = replace(
        index,
        hasher=None,
        packed=found.packed,
        bits=model.hasher.bits,
        rows=found.rows.astype(np.int32),
        starts=found.starts.astype(np.float32),
    )
    return ClipFinder(frames, codes, encode=model.encode)


def coarseness(store: FeatureStore) -> tuple[float, float]:
    """Return the seconds between two frames of the shortest and of the longest video.

    Both are 0 for a store of frames per time, which is as fine as ``--every`` says.
    """
    lengths = store.videos.duration[store.videos.duration > 0]
    if store.meta.every or not len(lengths):
        return 0.0, 0.0
    frames = max(1, store.shape[1])
    return float(lengths.min()) / frames, float(lengths.max()) / frames


def _index(store: FeatureStore, path: Path | None, progress: Progress, log: Log) -> FilmIndex:
    if path is not None:
        try:
            known = read_index(path, store.table_sha256)
        except DamageError:
            log(f"`{printable(path)}` is damaged and made anew")
            known = None
        if known is not None:
            return known
    with progress("index films", len(store.videos)) as advance:
        index = build_index(store, advance=advance)
    with progress("measure chance", None):
        index = fit_threshold(ClipFinder(FilmFrames(store, index.space), index))
    if path is not None and store.table_sha256:
        try:
            write_index(path, index, store.table_sha256)
        except StorageError as error:
            log(f"the index is not kept: {error}")
    return index
