"""Codes of a store that changed: only new rows are encoded, the others keep their codes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.cli.encode import CODES
from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.model_folder.folder import ModelFacts, check_fingerprint
from chainpipe.hashing.retrieval.codes import Codes, read_codes, write_codes
from chainpipe.hashing.retrieval.encode import belongs, encode_store, origin_of, store_codes
from chainpipe.hashing.retrieval.encode_windows import encode_windows
from chainpipe.pipeline.errors import NotFoundError
from chainpipe.pipeline.store.base import FeatureStore

from .known_videos import KnownVideos

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RefreshedCodes:
    """The codes of all N videos of a store.

    Attributes:
        path: The codes file.
        codes: What it holds.
        encoded: How many videos were encoded now.
        written: Whether the file was written; not if it fitted already.
    """

    path: Path
    codes: Codes
    encoded: int
    written: bool


def refresh_codes(
    store: FeatureStore,
    folder: Path,
    facts: ModelFacts,
    *,
    earlier: Iterable[KnownVideos],
    out: Path | None = None,
    progress: Callable[[int], None] = lambda videos: None,
) -> RefreshedCodes:
    """Bring a codes file up to date with its store, in one rename.

    A code is kept where a row of the same file and the same features had it; labels, splits and
    paths are those of the store. The magnitude of each bit's values is the mean of that of before
    and that of the new videos, by their numbers.

    Args:
        store: Features that the model reads.
        folder: Of the model.
        facts: Of the model.
        earlier: States of the store that the codes of now may be of.
        out: The codes file; by default that of the model folder.
        progress: Called with the number of videos encoded since the last call.

    Raises:
        UsageError: If the model reads other features.
        DamageError: If codes, model or store are damaged.
        StorageError: If the disk does not take the codes.
    """
    check_fingerprint(facts, store.meta.fingerprint)
    path = out or folder / CODES
    try:
        old: Codes | None = read_codes(path)
    except NotFoundError:
        old = None
    if old is not None and belongs(old, facts, store):
        if old.table_sha256 == store.table_sha256:
            return RefreshedCodes(path, old, 0, written=False)
        codes = replace(old, table_sha256=store.table_sha256)  # so that it is known at once
        write_codes(path, codes)
        return RefreshedCodes(path, codes, 0, written=True)
    kept = None if old is None else _kept(old, facts, store, earlier)
    if old is None or kept is None:
        every = np.arange(len(store.videos))
        codes, encoded = _encoded(store, folder, facts, every, progress), len(every)
        codes = replace(codes, table_sha256=store.table_sha256)
    else:
        new = np.flatnonzero(kept < 0)
        codes, encoded = _extended(old, kept, new, store, folder, facts, progress), len(new)
    write_codes(path, codes)
    return RefreshedCodes(path, codes, encoded, written=True)


def _encoded(
    store: FeatureStore,
    folder: Path,
    facts: ModelFacts,
    rows: Rows,
    progress: Callable[[int], None],
) -> Codes:
    """Encode some rows; those of a store made per time get codes of their windows, too."""
    _, hasher = load_hasher(folder)
    codes = encode_store(store, facts, hasher, rows=rows, progress=progress)
    if not store.meta.every:
        return codes
    return replace(codes, windows=encode_windows(store, hasher, rows=rows))


def _kept(
    old: Codes, facts: ModelFacts, store: FeatureStore, earlier: Iterable[KnownVideos]
) -> Rows | None:
    """Return the old code of each row, -1 for a row without; ``None`` if none may be kept."""
    if old.origin != origin_of(facts, features=old.origin.features):
        return None
    for known in earlier:
        checksums = np.ascontiguousarray(known.checksums)
        same = hashlib.sha256(checksums.tobytes()).hexdigest() == old.origin.features
        if same and len(checksums) == len(old):
            code_of = {key: row for row, key in enumerate(_keys(old.video_ids, checksums))}
            keys = _keys(store.videos.ids, store.videos.checksums)
            return np.array([code_of.get(key, -1) for key in keys], np.int64)
    return None


def _keys(ids: npt.NDArray[np.uint8], checksums: npt.NDArray[np.uint8]) -> list[bytes]:
    return [row.tobytes() for row in np.concatenate([ids, checksums], axis=1)]


def _extended(
    old: Codes,
    kept: Rows,
    new: Rows,
    store: FeatureStore,
    folder: Path,
    facts: ModelFacts,
    progress: Callable[[int], None],
) -> Codes:
    """Return the kept codes and those of new rows, in the order of the store's rows."""
    reused = kept[kept >= 0]
    codes, scale = old[reused], old.value_scale
    if len(new):
        fresh = _encoded(store, folder, facts, new, progress)
        if scale is not None and fresh.value_scale is not None:
            weights = np.array([len(reused), len(new)], np.float64) / len(kept)
            scale = (weights @ np.stack([scale, fresh.value_scale])).astype(np.float32)
        codes = codes.append(fresh)
        order = np.empty(len(kept), np.int64)
        order[kept >= 0], order[new] = np.arange(len(reused)), len(reused) + np.arange(len(new))
        codes = codes[order]
    every = np.arange(len(kept))
    named = store_codes(store, facts, codes.packed, codes.bits, every, scale)
    return replace(named, windows=codes.windows, table_sha256=store.table_sha256)
