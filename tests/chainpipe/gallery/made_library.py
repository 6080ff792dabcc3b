"""Stores and strips that are written, not extracted: large libraries and odd names."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from chainpipe.gallery.stored_moments import evenly, stored_moments
from chainpipe.gallery.strips import FOLDER, Strip, frame_size, rising
from chainpipe.pipeline.records import (
    Blank,
    Fingerprint,
    Reader,
    Split,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from chainpipe.pipeline.store import open_store, write_store

FRAMES, DIM = 8, 16
PICTURES = 60  # different ones; strips of a large library share them


def write_library(
    path: Path,
    names: Sequence[bytes],
    *,
    labels: Sequence[str] = (),
    blank: Sequence[int] = (),
    root: Path | None = None,
) -> Path:
    """Write a store of made features: ten groups of near videos, lengths of 5 to 64 seconds."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(10, 1, DIM))
    features = centres[np.arange(len(names)) % 10] + rng.normal(size=(len(names), FRAMES, DIM)) / 4
    rows = (
        VideoFeatures(
            path=name,
            video_id=hashlib.sha256(name).digest(),
            features=features[row].astype(np.float16),
            seconds=(np.arange(FRAMES) + 0.5) * (5 + row % 60) / FRAMES,
            index=np.arange(FRAMES) * 10,
            info=VideoInfo(5.0 + row % 60, 25.0, 640, 360, 80),
            status=Status.OK,
            reader=Reader.EXACT,
            size=1000 + row,
            mtime_ns=1,
            labels=(labels[row % len(labels)],) if labels else (),
            split=Split.TRAIN if row % 2 else Split.TEST,
            blank=Blank.BLACK if row in blank else Blank.NONE,
        )
        for row, name in enumerate(names)
    )
    write_store(
        path,
        root=os.fsencode(root or path.parent / "videos"),
        meta=StoreMeta(Fingerprint("cnn", "00", DIM, "fit=crop"), FRAMES),
        rows=rows,
        count=len(names),
        label_names=sorted(set(labels)),
    )
    return path


def write_strips(store: Path, gallery: Path) -> None:
    """Put a made strip where the gallery looks for that of each video."""
    with open_store(store) as opened:
        table = opened.videos
        sources = []
        for number in range(PICTURES):
            sources.append(gallery / f"made-{number}.jpg")
            sources[-1].parent.mkdir(parents=True, exist_ok=True)
            sources[-1].write_bytes(_picture(number, frame_size(table, 0)))
        for row, seconds in enumerate(stored_moments(opened)):
            path = gallery / FOLDER / Strip(row, evenly(rising(seconds), FRAMES)).file(table)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(sources[row % PICTURES], path)


def _picture(number: int, size: tuple[int, int]) -> bytes:
    """Return a JPEG of eight frames in which a disc moves over a colour."""
    width, height = size
    strip = Image.new("RGB", (width * FRAMES, height), (40 + 3 * number, 90, 200 - 3 * number))
    draw = ImageDraw.Draw(strip)
    for frame in range(FRAMES):
        x, y = frame * width + 30 + 24 * frame, height // 2 + number - 30
        draw.ellipse((x - 24, y - 24, x + 24, y + 24), fill=(250, 220, 120))
    held = io.BytesIO()
    strip.save(held, format="JPEG", quality=80)
    return held.getvalue()
