"""Made libraries for the costs that grow: stores of drawn features, a model and its codes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measure import measured

from chainpipe.hashing.model_folder.folder import ModelFacts, save_model
from chainpipe.pipeline.records import (
    Fingerprint,
    Reader,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from chainpipe.pipeline.store import write_store

BITS, CLASSES, DIM = 64, 50, 8
LABELS = tuple(f"class {number}" for number in range(CLASSES))
POOL = 256  # videos whose features are drawn; the others are made of them


def content(row: int) -> bytes:
    """Return the id of a video."""
    return hashlib.sha256(b"%d" % row).digest()


def fingerprint(dim: int) -> Fingerprint:
    """Return the fingerprint of drawn features."""
    return Fingerprint("drawn", "00", dim, "none")


def rows(
    videos: int, *, frames: int = 1, dim: int = DIM, labelled: bool = False
) -> Iterator[VideoFeatures]:
    """Yield videos of 50 classes."""
    rng = np.random.default_rng(0)
    centres = rng.gamma(1.0, 0.5, (CLASSES, 1, dim)).astype(np.float16)
    pool = rng.gamma(1.0, 0.5, (POOL, frames, dim)).astype(np.float16)
    info, seconds = VideoInfo(1.0, 1.0, 64, 48, frames), np.arange(frames, dtype=np.float64)
    for row in range(videos):
        look = pool[row % POOL] + pool[row // POOL % POOL, :1] + centres[row % CLASSES]
        yield VideoFeatures(
            path=b"library/%02d/clip %07d.mp4" % (row % CLASSES, row), video_id=content(row),
            features=look, seconds=seconds, index=seconds.astype(np.int64), info=info,
            status=Status.OK, reader=Reader.EXACT, size=1, mtime_ns=1,
            labels=(LABELS[row % CLASSES],) if labelled else (),
        )  # fmt: skip


def write(
    path: Path, videos: int, *, frames: int = 1, dim: int = DIM, labelled: bool = False
) -> float:
    """Write a store; return the writer's CPU seconds a row, without the drawing."""
    with measured() as drawing:
        for _ in rows(videos, frames=frames, dim=dim, labelled=labelled):
            pass
    meta = StoreMeta(fingerprint(dim), frames)
    with measured() as writing:
        drawn = rows(videos, frames=frames, dim=dim, labelled=labelled)
        names = LABELS if labelled else ()
        write_store(path, root=b"/", meta=meta, rows=drawn, count=videos, label_names=names)
    return (writing.cpu - drawing.cpu) / videos


def library(folder: Path, videos: int) -> float:
    """Write a store, its model and codes; return the writer's CPU seconds a row."""
    a_row = write(folder / "f.h5", videos)
    directions = np.random.default_rng(1).normal(size=(DIM, BITS)).astype(np.float32)
    facts = ModelFacts(
        "lsh", BITS, 0, fingerprint(DIM), str(folder / "f.h5"),
        data={"frames": 1, "videos": videos, "copies": 0, "bad": 0, "split": "all"},
    )  # fmt: skip
    save_model(folder / "m", facts, {"mean": np.zeros(DIM), "directions": directions}, {})
    command = [sys.executable, "-m", "chainpipe", "encode", "--model", str(folder / "m")]
    subprocess.run(command, check=True, capture_output=True)
    return a_row
