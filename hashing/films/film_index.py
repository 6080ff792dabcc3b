"""Codes of the windows of all films, and what else is learned from a library of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import FeatureStore

from ..matching.records import F32
from ..matching.space import FrameSpace
from ..methods.pca_itq import fit_pca_itq
from ..models.linear_hash import LinearHash
from ..models.pca import mean_covariance
from ..retrieval.bitpack import U8, pack
from ..retrieval.index import HammingIndex
from .film_frames import FilmFrames
from .windows import windows_of

BITS = 128  # of the code of a window
STRETCHES = 160  # parts of films that the space is learned from
STRETCH = 64  # frames of each
CHANCE = 0.8  # score of an answer where a library is too small to tell what chance reaches


@dataclass(frozen=True, slots=True, eq=False)
class FilmIndex:
    """The windows of a library's films as codes; W of them.

    Attributes:
        space: In which frames are compared.
        hasher: Turns a window into a code; ``None`` where the codes are a model's.
        packed: Codes, (W, bytes).
        bits: K.
        rows: Row of each window's film, (W,) int32, ascending.
        starts: First second of each window, (W,) float32.
        threshold: Score that chance does not reach in this library.
    """

    space: FrameSpace
    hasher: LinearHash | None
    packed: U8
    bits: int
    rows: npt.NDArray[np.int32]
    starts: npt.NDArray[np.float32]
    threshold: float = CHANCE

    def __len__(self) -> int:
        return len(self.packed)

    def encode(self, vectors: F32) -> U8:
        """Return the codes of windows (W, M) that this library's own map gives.

        Raises:
            ValueError: If the codes are a model's.
        """
        if self.hasher is None:
            raise ValueError("the codes of these windows are a model's")
        return pack(self.hasher.project(vectors) >= 0)

    def with_threshold(self, threshold: float) -> FilmIndex:
        """Return the same with another threshold."""
        return replace(self, threshold=threshold)


def sampled_stretches(store: FeatureStore, *, seed: int = 0) -> list[F32]:
    """Draw parts of a library's videos, longer ones more often, a few seconds each.

    Args:
        store: The library.
        seed: Of the draw.

    Returns:
        Features, (at most 64, D) each.

    Raises:
        DamageError: If a row's bytes are altered.
        UsageError: If there are no videos.
    """
    durations = np.maximum(store.videos.duration, 1e-3)
    if not len(durations):
        raise UsageError(f"no videos in `{store.path}`", hint="extract some first")
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(durations), STRETCHES, p=durations / durations.sum()))
    found = []
    for row in rows.tolist():
        count = len(store.sequence_seconds(row))
        first = int(rng.integers(max(1, count - STRETCH + 1)))
        part = slice(first, first + STRETCH)
        features = store.sequence_features(row, part).astype(np.float32)
        found.append(features[np.isfinite(features).all(axis=1)])
    return found


def build_index(
    store: FeatureStore,
    *,
    seed: int = 0,
    advance: Callable[[int], None] = lambda videos: None,
) -> FilmIndex:
    """Encode the windows of all videos of a store.

    Args:
        store: The library; memory is a film's frames and 24 bytes a window.
        seed: Of the sample that space and codes are learned from.
        advance: Called with the number of videos done since its last call.

    Raises:
        DamageError: If a row's bytes are altered.
        UsageError: If there are no videos, features are not finite, or nobody knows when frames
            are shown.
    """
    space = FrameSpace.fit(sampled_stretches(store, seed=seed), seed=seed)
    frames = FilmFrames(store, space)
    hasher = _window_hash(frames, seed)
    codes, rows, starts = [], [], []
    for row in range(len(frames)):
        windows = windows_of(frames.whole(row))
        codes.append(pack(hasher.project(windows.vectors) >= 0))
        rows.append(np.full(len(windows.starts), row, np.int32))
        starts.append(windows.starts.astype(np.float32))
        advance(1)
    packed = np.concatenate(codes)
    return FilmIndex(space, hasher, packed, BITS, np.concatenate(rows), np.concatenate(starts))


def _window_hash(frames: FilmFrames, seed: int) -> LinearHash:
    """Fit the codes on windows of some films."""
    durations = np.maximum(frames.store.videos.duration, 1e-3)
    rng = np.random.default_rng(seed + 1)
    some = []
    for row in rng.choice(len(durations), STRETCHES, p=durations / durations.sum()).tolist():
        start = float(rng.uniform(0, max(durations[row] - STRETCH / 2, 0)))
        part = frames.part(row, start, start + STRETCH / 2)
        some.append(windows_of(part if part is not None else frames.whole(row)).vectors)
    vectors = np.concatenate(some)
    return fit_pca_itq(
        vectors, BITS, seed=seed, frame_covariance=lambda: mean_covariance([vectors]).covariance
    )


def searchable(index: FilmIndex, *, queries: int = 1 << 16) -> HammingIndex:
    """Return the codes of an index as one that can be searched."""
    from ..retrieval.backends import make_index

    return make_index(index.packed, index.bits, queries=queries)
