"""From features to codes: a whole store, or a few videos that are in no store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import VideoFeatures, VideoTable
from chainpipe.pipeline.store.base import FeatureStore

from ..model_folder.folder import ModelFacts
from ..models.hasher import Hasher
from .bitpack import U8, pack
from .codes import Codes, Origin
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
    """Encode the videos of a store.

    Args:
        store: Features that the model may read (see ``check_fingerprint``).
        facts: Facts about the model.
        hasher: The model.
        rows: Which videos, by default all.
        progress: Told the number of videos done since the last call.

    Returns:
        Codes in the order of the rows, with their ids, paths, labels and splits.

    Raises:
        UsageError: If features are NaN or infinite.
        DamageError: If the store is damaged.
    """
    videos = store.videos
    chosen = np.arange(len(videos)) if rows is None else rows
    paths = [videos.paths[row] for row in chosen]
    packed = [np.empty((0, (hasher.bits + 7) // 8), np.uint8)]
    for start in range(0, len(chosen), BLOCK):
        part = slice(start, start + BLOCK)
        packed.append(encode_features(hasher, store.features(chosen[part]), paths[part]))
        progress(len(packed[-1]))
    return Codes(
        packed=np.concatenate(packed),
        bits=hasher.bits,
        video_ids=videos.ids[chosen],
        paths=tuple(paths),
        labels=videos.labels[chosen],
        label_names=videos.label_names,
        split=videos.split[chosen].astype(np.uint8),  # h5py marks an enum
        origin=origin_of(facts, features=digest(videos)),
    )


def encode_videos(videos: Sequence[VideoFeatures], facts: ModelFacts, hasher: Hasher) -> Codes:
    """Encode videos that are in no store; their labels and splits are kept.

    Raises:
        UsageError: If features are NaN or infinite.
    """
    names = tuple(sorted({name for video in videos for name in video.labels}))
    labels = np.array([[name in one.labels for name in names] for one in videos], np.uint8)
    packed = [encode_features(hasher, one.features[None], [one.path]) for one in videos]
    return Codes(
        packed=np.concatenate([np.empty((0, (hasher.bits + 7) // 8), np.uint8), *packed]),
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
    """Encode a block of videos.

    Args:
        hasher: The model.
        features: (n, T, D).
        paths: Names of the n videos, for the message.

    Returns:
        Packed codes, (n, ceil(bits / 8)).

    Raises:
        UsageError: If features are NaN or infinite; a code of them would be noise.
    """
    bad = np.flatnonzero(~np.isfinite(features).all(axis=(1, 2)))
    if len(bad):
        names = ", ".join(f"`{printable(paths[row])}`" for row in bad[:3])
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        hint = "extract these videos again"
        raise UsageError(f"NaN or infinite features in {names}{more}", hint=hint)
    return pack(hasher.encode(features))


def origin_of(facts: ModelFacts, *, features: str = "") -> Origin:
    """Return what a codes file says about the model that made it."""
    return Origin(facts.fingerprint, facts.weights_sha256, facts.version, features)


def digest(videos: VideoTable) -> str:
    """Return what identifies the features of a store: SHA-256 over its rows' checksums."""
    return hashlib.sha256(np.ascontiguousarray(videos.checksums).tobytes()).hexdigest()


def belongs(codes: Codes, facts: ModelFacts, videos: VideoTable) -> bool:
    """Tell whether codes are what this model makes of this store now, labels and all."""
    return (
        codes.origin == origin_of(facts, features=digest(videos))
        and codes.paths == videos.paths
        and codes.label_names == videos.label_names
        and np.array_equal(codes.video_ids, videos.ids)
        and np.array_equal(codes.labels, videos.labels)
        and np.array_equal(codes.split, videos.split)
    )
