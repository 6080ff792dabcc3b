"""The second check on rows of one store or two, each read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ..matching.information import frame_reasons
from ..matching.quick_filter import likely, moving
from ..matching.records import F32, FrameSequence, Verdict
from ..matching.second_check import SecondCheck, clocked
from ..matching.space import unit
from ..retrieval.encode import check_finite
from .videos import ComparedVideos

_BLOCK = 512  # rows that are read at a time
_PAIRS = 10_000  # whose means are in memory twice


class ProjectedVideos:
    """Videos in the space of the check, held as float16: 13 kB for 25 frames.

    Args:
        videos: Where they are.
        check: In whose space.
        rows: Which; each is read once.
        advance: Called with the number of videos read since the last call.

    Raises:
        UsageError: If features are NaN or infinite.
        DamageError: If a row's bytes are altered.
    """

    def __init__(
        self,
        videos: ComparedVideos,
        check: SecondCheck,
        rows: Sequence[int],
        advance: Callable[[int], None] = lambda videos: None,
    ) -> None:
        self._check = check
        self._videos = videos
        self._held: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._reasons: dict[int, str] = {}
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            for part in (
                [row for row in block if row < videos.first],
                [row for row in block if row >= videos.first],
            ):
                if part:
                    self._read(part)
            advance(len(block))

    def _read(self, rows: list[int]) -> None:
        """Read some rows of one store."""
        store = self._videos.place(rows[0])[0]
        own = np.array([self._videos.place(row)[1] for row in rows], np.int64)
        features, seconds = store.features(own), store.seconds(own)
        check_finite(features, [self._videos.paths[row] for row in rows])
        projected = self._check.space.project(features).astype(np.float16)
        reasons = frame_reasons(features, self._check.space)
        for row, frames, times, why in zip(rows, projected, seconds, reasons, strict=True):
            self._held[row] = frames, times
            if why:
                self._reasons[row] = why

    def __getitem__(self, row: int) -> FrameSequence:
        """Return one video, its features of unit length, (T, M)."""
        frames, seconds = self._held[row]
        seconds, duration = clocked(seconds, float(self._videos.duration[row]))
        return FrameSequence(frames.astype(np.float32), seconds, duration)

    def means(self, rows: Iterable[int]) -> F32:
        """Return the mean of each video's frames as a unit vector, (n, M)."""
        means = [self._held[int(row)][0].mean(axis=0, dtype=np.float32) for row in rows]
        return unit(np.array(means, np.float32).reshape(len(means), self._check.space.size))

    def likeness(self, pairs: npt.NDArray[np.int64]) -> F32:
        """Return the cosine of the mean frames of pairs of rows (P, 2), block by block, (P,)."""
        rows, places = np.unique(pairs, return_inverse=True)
        means, at = self.means(rows), places.reshape(-1, 2)
        found = np.empty(len(pairs), np.float32)
        for start in range(0, len(pairs), _PAIRS):
            one, other = (means[at[start : start + _PAIRS, side]] for side in (0, 1))
            found[start : start + _PAIRS] = (one * other).sum(axis=1)
        return found

    def apart_reason(self, row: int) -> str:
        """Return why a video is compared with no other, empty where it is."""
        return self._videos.blank_reason(row) or self._reasons.get(row, "")

    def is_blank(self, row: int) -> bool:
        """Return whether the frames of a video are blank as pictures, whatever their features."""
        return bool(self._videos.blank_reason(row))

    def likely(self, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the pairs of rows, (P, 2), that may move alike by a quick look, (p, 2)."""
        rows, places = np.unique(pairs, return_inverse=True)
        lengths = {len(self._held[int(row)][0]) for row in rows}
        if len(lengths) != 1:  # two stores, or films: lines of all lengths would be needed
            return pairs
        moved = np.concatenate([moving(self._held[int(row)][0][None]) for row in rows])
        return np.asarray(rows[likely(moved, places.reshape(-1, 2))], np.int64)

    def compare(self, a: int, b: int) -> Verdict:
        """Say what the videos of two rows are to each other."""
        return self._check.compare_projected(self[a], self[b])
