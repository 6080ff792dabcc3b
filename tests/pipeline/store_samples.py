"""Small stores whose every value is known, for the tests of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.records import (
    FailedVideo,
    Fingerprint,
    Reader,
    Split,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from pipeline.store import FeatureStore, Journal, iter_rows, write_store

META = StoreMeta(Fingerprint("cnn:tiny", "ab" * 32, 6, "fit=crop"), 4, chainpipe="0.1.0")
ROOT = b"/videos/\xff"
LABELS = ("cat", "caf\udce9")
FAILED = (FailedVideo(b"bad\xfe.mp4", Status.CORRUPT, "no frame of \udcfe decodes", 2),)


def video(number: int, meta: StoreMeta = META) -> VideoFeatures:
    """Return the ``number``-th video; its path is neither UTF-8 nor one line."""
    shape = meta.frames, meta.fingerprint.dim
    return VideoFeatures(
        path=b"-x/\xff\n%04d.mp4" % number,
        video_id=hashlib.sha256(b"%d" % number).digest(),
        features=np.random.default_rng(number).normal(size=shape).astype(meta.dtype),
        seconds=np.arange(float(meta.frames)) + number / 8,
        index=np.arange(meta.frames) * 3 + number,
        info=VideoInfo(4.5 + number, 29.97, 64 + number, 48, 135),
        status=(Status.OK, Status.SHORT, Status.PARTIAL)[number % 3],
        reader=tuple(Reader)[number % 4],
        size=1000 + number,
        mtime_ns=1_700_000_000_000_000_000 + number,
        labels=(LABELS, (), LABELS[1:])[number % 3],
        split=tuple(Split)[number % 5],
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
    arrays = row.features, row.seconds, row.index
    facts = (row.path, row.video_id, row.info, row.status, row.reader, row.size, row.mtime_ns)
    octets = tuple((array.dtype.str, array.shape, array.tobytes()) for array in arrays)
    return *facts, row.labels, row.split, *octets


def everything(store: FeatureStore) -> tuple[object, ...]:
    """Return all that a store says, as one value to compare."""
    rows = [plain(row) for row in iter_rows(store)]
    sums = store.videos.checksums.tobytes()
    return store.meta, store.root, store.failed, store.videos.label_names, sums, rows
