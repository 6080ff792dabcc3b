"""Small stores whose every value is known, for the tests of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.pipeline.records import (
    AugmentationStatistics,
    Blank,
    FailedVideo,
    Fingerprint,
    Reader,
    Split,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from chainpipe.pipeline.store import FeatureStore, Journal, iter_rows, write_store

META = StoreMeta(Fingerprint("cnn:tiny", "ab" * 32, 6, "fit=crop"), 4, chainpipe="0.1.0")
RICH = replace(META, per_segment=3, views=2, augmentation="crop=0.5", seed=7)
ROOT = b"/videos/\xff"
LABELS = ("cat", "caf\udce9")
FAILED = (
    FailedVideo(
        b"bad\xfe.mp4", Status.CORRUPT, "no frame of \udcfe decodes", 2, "av 18", "a\nb\udcfe"
    ),
)
STATISTICS = AugmentationStatistics(
    mean=np.linspace(-1, 1, 6, dtype="f4"),
    basis=np.arange(12, dtype="f4").reshape(2, 6),
    residual=np.full(6, 0.25, "f4"),
    explained=0.1 + 0.2,
    shared=0.75,
    videos=9,
    shifts=72,
    augmentation="crop=0.5",
    mode="consistent",
    seed=7,
)


def video(number: int, meta: StoreMeta = META) -> VideoFeatures:
    """Return the ``number``-th video; its path is neither UTF-8 nor one line."""
    t, d, m, v = meta.frames, meta.fingerprint.dim, meta.per_segment, meta.views
    chance = np.random.default_rng(number)
    features = chance.normal(size=(t, d)).astype(meta.dtype)
    more: dict[str, Any] = {}
    if m:
        more["candidates"] = chance.normal(size=(t, m, d)).astype(meta.dtype)
        more["candidate_seconds"] = np.arange(float(t * m)).reshape(t, m) + number / 4
        more["candidate_index"] = np.arange(t * m).reshape(t, m) + number
    if v:
        more["views"] = chance.normal(size=(v, t, d)).astype(meta.dtype)
    return VideoFeatures(
        path=b"-x/\xff\n%04d.mp4" % number,
        video_id=hashlib.sha256(b"%d" % number).digest(),
        features=features,
        seconds=np.arange(float(meta.frames)) + number / 8,
        index=np.arange(meta.frames) * 3 + number,
        info=VideoInfo(4.5 + number, 29.97, 64 + number, 48, 135, number % 3 - 1),
        status=(Status.OK, Status.SHORT, Status.PARTIAL)[number % 3],
        note=("", "3 of 4 frames", "2 of 4 frames could be decoded; caf\udce9")[number % 3],
        reader=tuple(Reader)[number % 4],
        blank=tuple(Blank)[number % 7],
        size=1000 + number,
        mtime_ns=1_700_000_000_000_000_000 + number,
        labels=(LABELS, (), LABELS[1:])[number % 3],
        split=tuple(Split)[number % 5],
        **more,
    )


def videos(count: int, meta: StoreMeta = META) -> list[VideoFeatures]:
    """Return the first videos."""
    return [video(number, meta) for number in range(count)]


def make(path: Path, rows: Sequence[VideoFeatures], meta: StoreMeta = META) -> Path:
    """Write a store of some videos."""
    write_store(
        path,
        root=ROOT,
        meta=meta,
        rows=iter(rows),
        count=len(rows),
        failed=FAILED,
        label_names=LABELS,
        augmentation=STATISTICS if meta.augmentation else None,
    )
    return path


def open_journal(out: Path, meta: StoreMeta = META, *, restart: bool = False) -> Journal:
    """Open the journal of an output of some videos."""
    return Journal.open(out, root=ROOT, meta=meta, restart=restart)


def bare(row: VideoFeatures) -> VideoFeatures:
    """Return a video as a journal gives it back: labels and split are the manifest's."""
    return replace(row, labels=(), split=Split.NONE)


def plain(row: VideoFeatures) -> tuple[object, ...]:
    """Return a video as a tuple that compares by value, NaN included."""
    beside = row.candidates, row.candidate_seconds, row.candidate_index, row.views
    arrays = row.features, row.seconds, row.index, *(a for a in beside if a is not None)
    facts = (
        row.path,
        row.note,
        row.video_id,
        row.info,
        row.status,
        row.reader,
        row.blank,
        row.size,
        row.mtime_ns,
    )
    octets = tuple((array.dtype.str, array.shape, array.tobytes()) for array in arrays)
    return *facts, row.labels, row.split, *octets


def everything(store: FeatureStore) -> tuple[object, ...]:
    """Return all that a store says, as one value to compare."""
    rows = [plain(row) for row in iter_rows(store)]
    sums = store.videos.checksums.tobytes()
    facts = store.meta, store.root, store.failed, store.videos.label_names, sums
    return *facts, rows, numbers(store.augmentation())


def numbers(statistics: AugmentationStatistics | None) -> object:
    """Return statistics as a value to compare."""
    if statistics is None:
        return None
    facts = {f.name: getattr(statistics, f.name) for f in fields(statistics)}
    return {n: v.tobytes() if isinstance(v, np.ndarray) else v for n, v in facts.items()}


def files_of(store: Path) -> list[Path]:
    """Return a store's file, or the files in its folder."""
    return [store] if store.is_file() else sorted(p for p in store.rglob("*") if p.is_file())


def alter(store: Path, array: np.ndarray) -> None:
    """Flip a bit of the one place in a store where some numbers are."""
    old = array.tobytes()
    places = [(path, data) for path in files_of(store) if old in (data := path.read_bytes())]
    ((path, data),) = places
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, bytes([old[0] ^ 1]) + old[1:]))


def tree(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
