"""Clips in films, found from Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chainpipe.hashing.films.index_file import index_path
from chainpipe.hashing.films.library import clip_finder, clip_meta
from chainpipe.hashing.matching.records import FrameSequence
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.extraction.single_videos import extract_features
from chainpipe.pipeline.records import FailedVideo

from .store import Store, open_store


@dataclass(frozen=True, slots=True)
class FilmPlace:
    """A stretch of a film that a clip shows.

    Attributes:
        path: Of the film, relative to the root of its store.
        start: Second of the film at which the stretch starts.
        end: Second at which it ends.
        query_start: Second of the clip that shows ``start``.
        query_end: Second of the clip that shows ``end``.
        speed: Seconds of the film a second of the clip.
        score: Larger for surer answers; comparable within one library.
    """

    path: str
    start: float
    end: float
    query_start: float
    query_end: float
    speed: float
    score: float


def find_clip(
    clip: str | os.PathLike[str],
    films: Store | str | os.PathLike[str],
    *,
    index: str | os.PathLike[str] | None = None,
    most: int = 10,
) -> list[FilmPlace]:
    """Find the places of films that a clip shows, the surest first; often none.

    The first call reads all films and keeps an index of them.

    Args:
        clip: A video file.
        films: Store of the films, best made with ``every``.
        index: File of the kept index; ``STORE.find.npz`` beside the store by default.
        most: How many places there may be.

    Raises:
        UsageError: If the clip cannot be read, or nobody knows when the films' frames are shown.
        NotFoundError: If there is no such store.
        DamageError: If the store is damaged.

    Example:
        >>> import chainpipe
        >>> chainpipe.find_clip("clip.mp4", "films.h5")[0].start  # doctest: +SKIP
        754.2
    """
    opened = films if isinstance(films, Store) else open_store(films)
    try:
        store = opened.raw
        found = extract_features([Path(clip)], clip_meta(store.meta), workers=1, cached=True)[0]
        if isinstance(found, FailedVideo):
            message = f"`{os.fspath(clip)}` cannot be read: {found.status.label}: {found.message}"
            raise UsageError(message, hint="name a video file that can be decoded")
        kept = Path(index) if index is not None else index_path(store.path)
        finder = clip_finder(store, index_file=kept, progress=_silent)
        features = found.features.astype(np.float32)
        asked = FrameSequence(features, found.seconds, found.info.duration)
        paths = store.videos.paths
        return [
            FilmPlace(
                os.fsdecode(paths[place.row]),
                place.start,
                place.end,
                place.query_start,
                place.query_end,
                place.speed,
                place.score,
            )
            for place in finder.find(asked, most=most)
        ]
    finally:
        if opened is not films:
            opened.close()


@contextmanager
def _silent(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    yield lambda count: None
