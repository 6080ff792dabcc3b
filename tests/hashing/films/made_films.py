"""Films whose features are known at every moment, so that a clip can be cut out anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.matching.records import FrameSequence
from chainpipe.pipeline.records import (
    Fingerprint,
    Reader,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from chainpipe.pipeline.store import write_store

DIM = 48
EVERY = 0.5
META = StoreMeta(Fingerprint("made", "ab" * 32, DIM, "fit=crop"), 8, by="time", every=EVERY)


class MadeFilm:
    """Shots of some seconds, each of a scene of its own in which something moves."""

    def __init__(self, seed: int, seconds: float) -> None:
        rng = np.random.default_rng(seed)
        lengths = rng.uniform(2.0, 6.0, int(seconds / 2) + 2)
        self.seconds = seconds
        self._cuts = np.concatenate([[0.0], np.cumsum(lengths)])
        self._scenes = rng.normal(size=(len(lengths), DIM))
        self._moves = rng.normal(size=(len(lengths), 2, DIM)) / 3
        self._rates = rng.uniform(0.5, 2.5, (len(lengths), 2))

    def at(self, moments: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the features at some seconds, (n, D)."""
        times = np.asarray(moments, np.float64)
        shot = np.clip(np.searchsorted(self._cuts, times, side="right") - 1, 0, None)
        waves = np.sin(self._rates[shot] * (times - self._cuts[shot])[:, None])
        moved = (self._moves[shot] * waves[:, :, None]).sum(axis=1)
        return np.asarray(self._scenes[shot] + moved, np.float32)

    def clip(
        self,
        start: float,
        seconds: float,
        *,
        speed: float = 1.0,
        step: float = EVERY / 2,
        noise: float = 0.1,
        shift: float = 0.5,
        seed: int = 0,
    ) -> FrameSequence:
        """Cut a clip out: sped up, its features moved by one vector and noise, as edits do."""
        rng = np.random.default_rng(seed)
        times = np.arange(step / 2, seconds, step)
        features = self.at(start + speed * times) + shift * rng.normal(size=DIM) / 2
        features += noise * rng.normal(size=features.shape)
        return FrameSequence(features.astype(np.float32), times, seconds)


def joined(parts: Sequence[FrameSequence]) -> FrameSequence:
    """Return clips one after another."""
    begins = np.cumsum([0.0, *(part.duration for part in parts)])
    pairs = zip(parts, begins[:-1], strict=True)
    seconds = np.concatenate([part.seconds + begin for part, begin in pairs])
    features = np.concatenate([part.features for part in parts])
    return FrameSequence(features, seconds, float(begins[-1]))


def stored(name: str, video: FrameSequence) -> VideoFeatures:
    """Return a video as a row of a store."""
    return VideoFeatures(
        path=name.encode(),
        video_id=hashlib.sha256(name.encode()).digest(),
        features=video.features.astype(np.float16),
        seconds=video.seconds,
        index=np.arange(len(video.seconds)),
        info=VideoInfo(video.duration, 25.0, 64, 48, int(25 * video.duration)),
        status=Status.OK,
        reader=Reader.EXACT,
        size=1,
        mtime_ns=1,
    )


def film_store(path: Path, films: Sequence[MadeFilm], meta: StoreMeta = META) -> Path:
    """Write films to a store, `0.mp4` and so on."""
    rows = []
    for number, film in enumerate(films):
        times = np.arange(EVERY / 2, film.seconds, EVERY)
        if not meta.every:
            times = (np.arange(meta.frames) + 0.5) * film.seconds / meta.frames
        rows.append(stored(f"{number}.mp4", FrameSequence(film.at(times), times, film.seconds)))
    write_store(path, root=b"/films", meta=meta, rows=iter(rows), count=len(rows))
    return path
