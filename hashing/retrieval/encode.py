"""Encode features to codes: a whole store, or single videos outside a store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.records import VideoFeatures, VideoTable
from chainpipe.pipeline.store.base import FeatureStore

from ..model_folder.folder import ModelFacts
from ..models.hasher import F32, Hasher, ValueHasher, with_values
from ..models.linear_hash import video_means
from .asymmetric import bit_scale
from .bitpack import U8, pack, width
from .codes import Codes, Origin, read_codes
from .hamming import Rows

BLOCK = 256  # videos in memory at a time


def encode_store(
    store: FeatureStore,
    facts: ModelFacts,
    hasher: Hasher,
    *,
    rows: Rows | None = None,
    progress: Callable[[int], None] = lambda videos: None,
) -> Codes:
    """Encode B videos of a store, block by block.

    Args:
        store: Features that fit the model (see ``check_fingerprint``).
        facts: Facts of the model.
        hasher: The model.
        rows: Rows of the B videos; by default all.
        progress: Called with the number of videos encoded since the last call.

    Returns:
        Codes of B videos in the order of the rows, with ids, paths, labels, splits, and the
        magnitude of each bit's values if the hasher gives values.

    Raises:
        UsageError: If features are NaN or infinite.
        DamageError: If the store is damaged.
    """
    return encode_with_values(store, facts, hasher, rows=rows, progress=progress).codes


@dataclass(frozen=True, slots=True, eq=False)
class EncodedVideos:
    """Codes of B videos, and what the real distances need besides.

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
    """Encode B videos of a store, and keep values or mean features, in one pass over the store.

    Args:
        store: As for :func:`encode_store`, like ``facts``, ``hasher``, ``rows`` and ``progress``.
        facts: Facts of the model.
        hasher: The model.
        rows: Rows of the B videos; by default all.
        values: Keep the values.
        means: Keep the mean features.
        progress: Called with the number of videos encoded since the last call.

    Raises:
        UsageError: If features are NaN or infinite, or values are asked of a hasher without.
        DamageError: If the store is damaged.
    """
    chosen = np.arange(len(store.videos)) if rows is None else rows
    whole = rows is None
    count, bits = len(chosen), hasher.bits
    if values:
        with_values(hasher)
    packed, total = np.empty((count, width(bits)), np.uint8), np.zeros(bits)
    kept = np.empty((count if values else 0, bits), np.float32)
    averages = np.empty((count if means else 0, store.shape[2]), np.float32)
    scaled = isinstance(hasher, ValueHasher)
    for part, features in finite_features(store, chosen):
        if isinstance(hasher, ValueHasher):
            found = hasher.values(features)
            packed[part] = pack(found >= 0)
            total += np.abs(found).sum(axis=0, dtype=np.float64)
            if values:
                kept[part] = found
        else:
            packed[part] = pack(hasher.encode(features))
        if means:
            averages[part] = video_means(features)
        progress(len(features))
    scale = bit_scale(total, count) if scaled and count else None
    codes = store_codes(store, facts, packed, bits, chosen, scale)
    if whole:
        codes = replace(codes, table_sha256=store.table_sha256)
    return EncodedVideos(codes, kept, averages)


def store_codes(
    store: FeatureStore,
    facts: ModelFacts,
    packed: U8,
    bits: int,
    rows: Rows,
    scale: F32 | None = None,
) -> Codes:
    """Return packed codes of some rows of a store with their ids, paths, labels and splits."""
    videos = store.videos
    return Codes(
        packed=packed,
        bits=bits,
        video_ids=videos.ids[rows],
        paths=tuple(videos.paths[row] for row in rows),
        labels=videos.labels[rows],
        label_names=videos.label_names,
        split=videos.split[rows].astype(np.uint8),  # h5py marks an enum
        origin=origin_of(facts, features=digest(videos)),
        value_scale=scale,
    )


def finite_features(
    store: FeatureStore, rows: Rows
) -> Iterator[tuple[slice, npt.NDArray[np.floating]]]:
    """Read features block by block.

    Args:
        store: The store.
        rows: Rows of B videos.

    Yields:
        The places in ``rows``, and the features of the videos there, (at most 256, T, D).

    Raises:
        UsageError: If features are NaN or infinite.
        DamageError: If the store is damaged.
    """
    for start in range(0, len(rows), BLOCK):
        part = slice(start, min(start + BLOCK, len(rows)))
        features = store.features(rows[part])
        check_finite(features, [store.videos.paths[row] for row in rows[part]])
        yield part, features


def encode_videos(videos: Sequence[VideoFeatures], facts: ModelFacts, hasher: Hasher) -> Codes:
    """Encode B videos that are in no store, with their labels and splits.

    Raises:
        UsageError: If features are NaN or infinite.
    """
    names = tuple(sorted({name for video in videos for name in video.labels}))
    labels = np.array([[name in one.labels for name in names] for one in videos], np.uint8)
    packed = [encode_features(hasher, one.features[None], [one.path]) for one in videos]
    return Codes(
        packed=np.concatenate([np.empty((0, width(hasher.bits)), np.uint8), *packed]),
        bits=hasher.bits,
        video_ids=np.frombuffer(b"".join(one.video_id for one in videos), np.uint8).reshape(-1, 32),
        paths=tuple(one.path for one in videos),
        labels=labels.reshape(len(videos), len(names)),
        label_names=names,
        split=np.array([one.split for one in videos], np.uint8),
        origin=origin_of(facts),
    )


def encode_features(
    hasher: Hasher, features: npt.NDArray[np.floating], paths: Sequence[bytes]
) -> U8:
    """Encode a block of B videos to packed codes.

    Args:
        hasher: The model.
        features: Frame features, (B, T, D).
        paths: Names of the B videos, for the error message.

    Returns:
        Packed codes, (B, ceil(K / 8)) uint8.

    Raises:
        UsageError: If features are NaN or infinite.
    """
    check_finite(features, paths)
    return pack(hasher.encode(features))


def check_finite(features: npt.NDArray[np.floating], paths: Sequence[bytes]) -> None:
    """Refuse NaN and infinity in features (B, T, D).

    Raises:
        UsageError: Naming the videos.
    """
    bad = np.flatnonzero(~np.isfinite(features).all(axis=(1, 2)))
    if len(bad):
        names = ", ".join(f"`{printable(paths[row])}`" for row in bad[:3])
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        hint = "extract these videos again"
        raise UsageError(f"NaN or infinite features in {names}{more}", hint=hint)


def origin_of(facts: ModelFacts, *, features: str = "") -> Origin:
    """Return the origin that codes of a model carry: fingerprint, weights, version, store."""
    return Origin(facts.fingerprint, facts.weights_sha256, facts.version, features)


def digest(videos: VideoTable) -> str:
    """Return the SHA-256 over the row checksums of a store, hexadecimal: it identifies features."""
    return hashlib.sha256(np.ascontiguousarray(videos.checksums).tobytes()).hexdigest()


def saved_codes(path: Path, store: FeatureStore, facts: ModelFacts) -> Codes | None:
    """Return the codes of all N videos of a store from a file, ``None`` if it has other codes.

    Args:
        path: A codes file, which may not exist.
        store: Features that fit the model.
        facts: Facts of the model.

    Raises:
        DamageError: If the codes file is damaged.
    """
    try:
        codes = read_codes(path)
    except NotFoundError:
        return None
    return codes if belongs(codes, facts, store) else None


def belongs(codes: Codes, facts: ModelFacts, store: FeatureStore) -> bool:
    """Return whether codes are those of this model and this store, labels included.

    The store's table is read only where the codes do not name its SHA-256.
    """
    if codes.origin != origin_of(facts, features=codes.origin.features):
        return False
    if codes.table_sha256 and codes.table_sha256 == store.table_sha256:
        return True
    videos = store.videos
    return (
        codes.origin.features == digest(videos)
        and codes.paths == videos.paths
        and codes.label_names == videos.label_names
        and np.array_equal(codes.video_ids, videos.ids)
        and np.array_equal(codes.labels, videos.labels)
        and np.array_equal(codes.split, videos.split)
    )
