"""The queries of ``search``: rows of the library, and files that are extracted and encoded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import FailedVideo, VideoFeatures, raise_if_ours

from ..models.linear_hash import video_means
from ..retrieval.bitpack import U8
from ..retrieval.encode import check_finite, encode_features
from ..retrieval.query import Query, find_queries
from .context import Tools
from .encode import training_meta
from .search_library import SearchedLibrary

if TYPE_CHECKING:
    from ..models.hasher import F32

AT_ONCE = 64  # files that are extracted between two steps of the progress bar


@dataclass(frozen=True, slots=True, eq=False)
class AskedVideo:
    """One query that can be answered.

    Attributes:
        query: What was asked.
        video: Its features, where it is not in the library.
    """

    query: Query
    video: VideoFeatures | None = None

    @property
    def row(self) -> int:
        """Row of the library that has its bytes."""
        return self.query.rows[0]


def asked_videos(
    texts: Sequence[str], library: SearchedLibrary, tools: Tools
) -> tuple[list[AskedVideo], int]:
    """Resolve queries; extract those that are not in the library.

    Args:
        texts: Files, folders of videos, paths in the store, and ids.
        library: What is searched.
        tools: Of the command; the reason of each failure is logged.

    Returns:
        The queries that can be answered, in order, and how many cannot.

    Raises:
        UsageError: If a text is no query, or none can be answered.
    """
    queries = find_queries(unfolded(texts, tools), library.names())
    files = list(dict.fromkeys(one.file for one in queries if one.file is not None))
    results = dict(zip(files, _extracted(files, library, tools), strict=True))
    failed = [result for result in results.values() if isinstance(result, FailedVideo)]
    for one in failed:
        tools.log(f"{one.status.label} {printable(one.path)}: {one.message}")
    asked = []
    for query in queries:
        found = None if query.file is None else results[query.file]
        if not isinstance(found, FailedVideo):
            asked.append(AskedVideo(query, found))
    if not asked:
        raise_if_ours(failed)
        raise UsageError("no query that can be read", hint="the reason for each is printed above")
    return asked, len(queries) - len(asked)


def codes_of(asked: Sequence[AskedVideo], library: SearchedLibrary) -> U8:
    """Return the packed codes of the queries, (Q, bytes).

    Raises:
        UsageError: If features of a new video are NaN or infinite.
    """
    lines = [
        library.codes.packed[one.row]
        if one.video is None
        else encode_features(library.hasher, one.video.features[None], [one.video.path])[0]
        for one in asked
    ]
    return np.array(lines, np.uint8)


def values_of(asked: Sequence[AskedVideo], library: SearchedLibrary) -> F32:
    """Return the values of the queries before binarization, (Q, K).

    Raises:
        UsageError: If the model gives none, or features are NaN or infinite.
    """
    from ..models.hasher import with_values

    hasher = with_values(library.hasher)
    return np.concatenate([hasher.values(features_of(one, library)[None]) for one in asked])


def query_means(asked: Sequence[AskedVideo], library: SearchedLibrary) -> F32:
    """Return the mean features of the queries, (Q, D)."""
    return np.concatenate([video_means(features_of(one, library)[None]) for one in asked])


def features_of(one: AskedVideo, library: SearchedLibrary) -> npt.NDArray[np.floating]:
    """Return the frame features of a query, (T, D).

    Raises:
        UsageError: If they are NaN or infinite.
        DamageError: If those of a row are damaged.
    """
    if one.video is not None:
        features, name = one.video.features, one.video.path
    else:
        assert library.store is not None
        features = library.store.features(np.array([one.row]))[0]
        name = library.codes.paths[one.row]
    check_finite(features[None], [name])
    return features


def unfolded(texts: Sequence[str], tools: Tools) -> list[str]:
    """Replace folders by the videos in them."""
    files: list[str] = []
    for text in texts:
        folder = Path(text)
        if text and folder.is_dir():
            top = os.path.abspath(folder)
            files += [os.path.join(text, os.path.relpath(path, top)) for path in tools.find(folder)]
        else:
            files.append(text)
    return files


def _extracted(
    files: Sequence[Path], library: SearchedLibrary, tools: Tools
) -> list[VideoFeatures | FailedVideo]:
    if not files:
        return []
    store = library.store
    meta = training_meta(library.facts) if store is None else store.meta
    if len(files) == 1:
        return tools.features(files, meta)
    results: list[VideoFeatures | FailedVideo] = []
    with tools.progress("extract queries", len(files)) as advance:
        for start in range(0, len(files), AT_ONCE):
            part = files[start : start + AT_ONCE]
            results += tools.features(part, meta)
            advance(len(part))
    return results


def file_of(one: AskedVideo, library: SearchedLibrary) -> Path:
    """Return the file of a query."""
    if one.query.file is not None:
        return one.query.file
    named = Path(one.query.text)
    return named if os.path.isfile(named) else library.path_of(one.row)
