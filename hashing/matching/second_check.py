"""The second check: what two videos are to each other, by what moves in them, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import FeatureStore

from .alignment import align
from .information import reasons
from .records import F32, Alignment, FrameSequence, Relation, Verdict
from .space import FrameSpace, unit

COPY = 0.32  # score from which two videos are copies
PART = 0.8  # share of the shorter video that lies in the longer one
MOVES_ALIKE = 0.35  # the score of a part, its share left out
SAME = 0.5  # share of both videos that copies show
CHANCE = 0.995  # part of the unrelated pairs of a library that are less alike than `similar`
SCENES = 0.999  # the same for `same scenes`
PAIRS = 2000  # unrelated pairs that a library is sampled by
_BLOCK = 512  # rows that are read at a time


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What unrelated videos of a library reach by chance.

    Attributes:
        similar: Cosine of the means of two videos from which they are similar.
        scenes: Mean cosine on a line from which two videos show the same scenes.
        copy: Score from which two videos are copies.
    """

    similar: float
    scenes: float
    copy: float


@dataclass(frozen=True, slots=True, eq=False)
class SecondCheck:
    """Compares videos of one library.

    Attributes:
        space: In which frames are compared.
        thresholds: What chance reaches in this library.
    """

    space: FrameSpace
    thresholds: Thresholds

    @classmethod
    def fit(cls, store: FeatureStore, *, seed: int = 0) -> SecondCheck:
        """Learn space and thresholds from a store, without labels.

        Raises:
            DamageError: If a row's bytes are altered.
            UsageError: If the store has no videos.
        """
        count = store.shape[0]
        if not count:
            raise UsageError(f"no videos in `{store.path}`", hint="extract some first")
        space = FrameSpace.of_store(store, seed=seed)
        return cls(space, _thresholds(store, space, seed))

    def sequence(self, video: FrameSequence) -> FrameSequence:
        """Return a video with its features projected into the space of the check."""
        return FrameSequence(self.space.project(video.features), video.seconds, video.duration)

    def compare(self, a: FrameSequence, b: FrameSequence) -> Verdict:
        """Say what two videos are to each other.

        Args:
            a: The first, its features as the store has them, (Ta, D).
            b: The second, (Tb, D).

        Raises:
            ValueError: If a sequence has no frames.
        """
        return self.compare_projected(self.sequence(a), self.sequence(b))

    def compare_projected(self, a: FrameSequence, b: FrameSequence) -> Verdict:
        """Say what two videos are to each other; their features are projected already."""
        cosine = float(unit(a.features.mean(axis=0)) @ unit(b.features.mean(axis=0)))
        return verdict_of(align(a, b), cosine, self.thresholds)

    def compare_rows(
        self, store: FeatureStore, pairs: npt.NDArray[np.int64]
    ) -> Iterator[tuple[int, int, Verdict]]:
        """Compare pairs of rows of a store, in the order of the pairs.

        Each row is read and projected once, and held as float16: 13 kB a video of 25 frames.

        Args:
            store: Where they are.
            pairs: Rows, (P, 2).

        Raises:
            DamageError: If a row's bytes are altered.
        """
        held = ProjectedRows(store, self.space, pairs)
        for i, j in pairs:
            yield int(i), int(j), self.compare_projected(held[int(i)], held[int(j)])


class ProjectedRows:
    """Videos of a store in the space of the check, those of some pairs.

    Args:
        store: Where they are.
        space: Into which they are projected.
        pairs: Rows, any shape; each is read once.
    """

    def __init__(
        self, store: FeatureStore, space: FrameSpace, pairs: npt.NDArray[np.int64]
    ) -> None:
        rows = np.unique(pairs)
        self._place = {int(row): place for place, row in enumerate(rows)}
        self._features = np.empty((len(rows), store.shape[1], space.size), np.float16)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            self._features[start : start + _BLOCK] = space.project(store.features(block))
        self._seconds = store.seconds(rows)
        self._durations = store.videos.duration[rows]

    def __getitem__(self, row: int) -> FrameSequence:
        place = self._place[row]
        features = self._features[place].astype(np.float32)
        return FrameSequence(features, self._seconds[place], float(self._durations[place]))


def verdict_of(found: Alignment | None, cosine: float, limits: Thresholds) -> Verdict:
    """Return what an alignment says.

    Args:
        found: Of the two videos.
        cosine: Of their mean features.
        limits: What chance reaches.
    """
    if found is not None:
        small, large = sorted((found.share_a, found.share_b))
        alike = (found.dyn + 2 * found.even) / 3
        if small >= SAME and found.score >= limits.copy:
            return Verdict(Relation.COPY, _moves(found), found)
        if large >= PART and small < SAME and alike >= MOVES_ALIKE:
            inner = "a" if found.share_a > found.share_b else "b"
            return Verdict(Relation.PART_OF, _moves(found), found, contained=inner)
        if small >= SAME and found.cosine >= limits.scenes:
            why = f"the same scenes, but moves otherwise (dyn {found.dyn:.2f})"
            return Verdict(Relation.SAME_SCENES, why, found)
    if cosine >= limits.similar:
        return Verdict(Relation.SIMILAR, f"mean features alike (cosine {cosine:.2f})", found)
    return Verdict(Relation.NOTHING, f"no more alike than others (cosine {cosine:.2f})", found)


def _moves(found: Alignment) -> str:
    return (
        f"moves alike (dyn {found.dyn:.2f}, even {found.even:.2f}) over "
        f"{min(found.share_a, found.share_b):.0%} of the longer"
    )


def _thresholds(store: FeatureStore, space: FrameSpace, seed: int) -> Thresholds:
    """Sample pairs of a library: nearly all are unrelated."""
    count = store.shape[0]
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(count, min(count, 200), replace=False))
    held = ProjectedRows(store, space, rows)
    some = rng.integers(0, len(rows), (PAIRS, 2))
    some = rows[np.unique(np.sort(some[some[:, 0] != some[:, 1]], axis=1), axis=0)]
    if len(some) < 20:  # too few to say what chance reaches
        return Thresholds(0.5, 0.4, COPY)
    means = {int(row): unit(held[int(row)].features.mean(axis=0)) for row in rows}
    cosines = np.array([means[int(i)] @ means[int(j)] for i, j in some])
    similar = float(np.quantile(cosines, CHANCE))
    aligned = [align(held[int(i)], held[int(j)]) for i, j in some[:300]]
    on_line = [found.cosine for found in aligned if found is not None]
    scenes = float(np.quantile(on_line, 0.98)) if on_line else similar
    return Thresholds(min(similar, 0.8), min(scenes, 0.8), COPY)


def blank_rows(store: FeatureStore, space: FrameSpace) -> dict[int, str]:
    """Return why rows of a store are set apart, by row: see ``information``."""
    return {row: reason for row, reason in enumerate(reasons(store, space)) if reason}


def sequences(store: FeatureStore, rows: Iterable[int]) -> Iterator[FrameSequence]:
    """Yield videos of a store as they are, one by one."""
    for row in rows:
        at = np.array([row], np.int64)
        features: F32 = store.features(at)[0].astype(np.float32)
        yield FrameSequence(features, store.seconds(at)[0], float(store.videos.duration[row]))
