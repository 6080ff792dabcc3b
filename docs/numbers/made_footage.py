"""Made footage of any length: features that are known at every moment without being stored."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.films.film_frames import FilmFrames
from chainpipe.hashing.films.film_index import BITS, FilmIndex
from chainpipe.hashing.films.windows import windows_of
from chainpipe.hashing.matching.records import F32, F64, FrameSequence
from chainpipe.hashing.matching.space import FrameSpace, unit
from chainpipe.hashing.methods.pca_itq import fit_pca_itq
from chainpipe.hashing.models.pca import mean_covariance
from chainpipe.hashing.retrieval.bitpack import pack

DIM = 128  # of a projected frame
EVERY = 0.5
SHOT = 4.0  # mean seconds of a shot
PLACES = 4000  # scenes that all films share: shots of one place look alike
LOOK = 0.8  # of a shot's feature that is its place's


class MadeFrames(FilmFrames):
    """Films of shots at places that come back in other films, each with a movement of its own.

    Args:
        films: How many.
        seconds: Of each.
        seed: Of all of them.
    """

    def __init__(self, films: int, seconds: float, seed: int) -> None:
        self._films, self._length, self._seed = films, seconds, seed
        self.space = FrameSpace(np.zeros(DIM, np.float32), np.eye(DIM, dtype=np.float32), 1.0)
        self._scenes = np.random.default_rng(seed).normal(size=(PLACES, DIM)).astype(np.float32)
        self._times = np.arange(EVERY / 2, seconds, EVERY)
        self._shots: tuple[int, F64, F32, F32] | None = None

    def __len__(self) -> int:
        return self._films

    def duration(self, row: int) -> float:
        """Return the length of a film in seconds."""
        return self._length

    def seconds(self, row: int) -> F64:  # type: ignore[override]
        """Return when the frames of a film are shown."""
        return self._times

    def whole(self, row: int) -> FrameSequence:
        """Return all frames of a film."""
        return FrameSequence(self._at(row, self._times), self._times, self._length)

    def part(self, row: int, start: float, end: float) -> FrameSequence | None:
        """Return the frames of a film from one second to another."""
        times = self._times[(self._times >= start) & (self._times < end)]
        if len(times) < 3:
            return None
        return FrameSequence(self._at(row, times), times - start, end - start)

    def clip(
        self, row: int, start: float, seconds: float, speed: float, rng: np.random.Generator
    ) -> FrameSequence:
        """Cut a clip out, its features moved by one vector and by noise, as edits move them."""
        times = np.arange(EVERY / 4, seconds, EVERY / 2)
        features = self._at(row, start + speed * times)
        features += rng.normal(size=DIM) / np.sqrt(DIM) / 2
        features += 0.4 * rng.normal(size=features.shape) / np.sqrt(DIM)
        return FrameSequence(unit(features), times, seconds)

    def _at(self, row: int, times: F64) -> F32:
        if self._shots is None or self._shots[0] != row:
            rng = np.random.default_rng((self._seed, row))
            count = int(self._length / SHOT * 1.3) + 40
            cuts = np.concatenate([[0.0], np.cumsum(rng.uniform(0.3, 1.7, count) * SHOT)])
            looks = LOOK * self._scenes[rng.integers(PLACES, size=count + 1)]
            looks += (1 - LOOK) * 2 * rng.normal(size=looks.shape).astype(np.float32)
            moves = rng.normal(size=(count + 1, DIM)).astype(np.float32)
            self._shots = row, cuts, looks, moves
        _, cuts, looks, moves = self._shots
        shot = np.minimum(np.searchsorted(cuts, times, side="right") - 1, len(looks) - 1)
        phase = np.sin(1.3 * (times - cuts[shot]))[:, None].astype(np.float32)
        return unit(looks[shot] + 0.5 * phase * moves[shot])


def made_index(frames: MadeFrames) -> FilmIndex:
    """Return the index of made films, as ``build_index`` makes one of stored films."""
    sample = [windows_of(frames.whole(row)).vectors for row in range(min(len(frames), 3))]
    vectors: npt.NDArray[np.float32] = np.concatenate(sample)[:8000]
    hasher = fit_pca_itq(
        vectors, BITS, seed=0, frame_covariance=lambda: mean_covariance([vectors]).covariance
    )
    codes, rows, starts = [], [], []
    for row in range(len(frames)):
        windows = windows_of(frames.whole(row))
        codes.append(pack(hasher.project(windows.vectors) >= 0))
        rows.append(np.full(len(windows.starts), row, np.int32))
        starts.append(windows.starts.astype(np.float32))
    parts = np.concatenate(rows), np.concatenate(starts)
    return FilmIndex(frames.space, hasher, np.concatenate(codes), BITS, *parts)
