"""A library of made features with planted copies, parts, still videos and equal bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.records import (
    Blank,
    Fingerprint,
    Reader,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from chainpipe.pipeline.store import write_store

T, D = 25, 48
META = StoreMeta(Fingerprint("cnn", "00", D, "fit=crop"), T)
STRANGERS = 10


def walk(seed: int, frames: int = T) -> npt.NDArray[np.float32]:
    """Return a video of its own: a scene, and a smooth walk from it, (frames, D)."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(frames, D))
    return (3 * rng.normal(size=D) + np.cumsum(steps, axis=0) * 0.7).astype(np.float32)


def edited(frames: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.float32]:
    """Return frames as an edit leaves them: moved by one vector, and a little noise."""
    rng = np.random.default_rng(seed)
    noise = 0.15 * rng.normal(size=frames.shape)
    return (frames + 0.5 * rng.normal(size=frames.shape[1]) + noise).astype(np.float32)


@dataclass(frozen=True)
class Planted:
    """One planted video.

    Attributes:
        path: Its path.
        features: Its frames.
        content: Stands for the file's bytes.
        seconds: Its length.
        width: Of its picture.
        blank: Why its frames are blank.
        size: Bytes.
        mtime_ns: When it was changed.
    """

    path: bytes
    features: npt.NDArray[np.float32]
    content: bytes = b""
    seconds: float = 10.0
    width: int = 320
    blank: Blank = Blank.NONE
    size: int = 1000
    mtime_ns: int = 1


def library() -> list[Planted]:
    """Return a library: two originals with copies, a part, exact copies, blanks, strangers."""
    one, two = walk(1), walk(2)
    film = np.concatenate([walk(11), walk(12), walk(13)])[::3]
    found = [
        Planted(b"a/original.mp4", one, width=640),
        Planted(b"a/copy.mp4", edited(one, 101)),
        Planted(b"a/again.mp4", edited(one, 102), size=3000),
        Planted(b"b/first.mp4", two, content=b"same"),
        Planted(b"b/second.mp4", two, content=b"same"),
        Planted(b"b/copy.mp4", edited(two, 103)),
        Planted(b"film.mp4", film, seconds=30.0),
        Planted(b"blank/black.mp4", np.zeros((T, D), np.float32), b"dark", blank=Blank.BLACK),
        Planted(b"blank/black2.mp4", np.zeros((T, D), np.float32), b"dark", blank=Blank.BLACK),
        Planted(b"blank/still.mp4", np.ones((T, D), np.float32), blank=Blank.STILL),
    ]
    return found + [Planted(b"x/%02d.mp4" % n, walk(50 + n)) for n in range(STRANGERS)]


def write(
    path: Path, videos: Sequence[Planted], *, root: Path | None = None, meta: StoreMeta = META
) -> Path:
    """Write a store of planted videos."""
    rows = [_row(video) for video in videos]
    folder = str(root or path.parent / "videos").encode()
    write_store(path, root=folder, meta=meta, rows=iter(rows), count=len(rows))
    return path


def _row(video: Planted) -> VideoFeatures:
    seconds = (np.arange(T) + 0.5) * video.seconds / T
    return VideoFeatures(
        path=video.path,
        video_id=hashlib.sha256(video.content or video.path).digest(),
        features=video.features.astype(np.float16),
        seconds=seconds,
        index=np.arange(T),
        info=VideoInfo(video.seconds, 25.0, video.width, video.width * 3 // 4, 250),
        status=Status.OK,
        reader=Reader.EXACT,
        size=video.size,
        mtime_ns=video.mtime_ns,
        blank=video.blank,
    )


def moved(videos: Sequence[Planted], names: Mapping[bytes, bytes]) -> list[Planted]:
    """Return the videos under other paths, with the bytes that they had."""
    return [
        replace(one, path=names.get(one.path, one.path), content=one.content or one.path)
        for one in videos
    ]
