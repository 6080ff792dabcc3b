"""The second check: what two videos are to each other, by what moves in them, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import FeatureStore

from .alignment import align
from .records import F32, F64, Alignment, FrameSequence, Relation, Verdict
from .space import FrameSpace, unit

COPY = 0.3  # score from which two videos are copies
SAME_CUTS = 0.06  # by which it must be higher where only the cuts agree: INNER
INNER = 0.12  # correlation within shots below which only the cuts agree
PART = 0.8  # share of the shorter video that lies in the longer one
PART_ALIKE = 0.26  # how alike a part moves; few frames must be more alike, see `_part_sureness`
SAME = 0.5  # share of both videos that copies show
CHANCE = 0.995  # part of the unrelated pairs of a library that are less alike than `similar`
SCENES = 0.98  # the same on the best line, for `same scenes`
SPREADS = 12  # robust standard deviations that copies score above a library's usual pairs
HIGHEST = 0.45  # that the limit of a library may be
VIDEOS = 150  # that a library is sampled by
PAIRS = 400  # unrelated pairs of them that are compared
FEW = 20  # pairs below which a library says nothing of chance
FULL = 25  # frames from which a part's likeness counts fully
_BLOCK = 512  # rows that are read at a time


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What unrelated videos of a library reach by chance.

    Attributes:
        similar: Cosine of the means of two videos from which they are similar.
        scenes: Mean cosine on a line from which two videos show the same scenes.
        copy: Score from which two videos are copies.
        part: How alike a part of a longer video moves at least.
    """

    similar: float
    scenes: float
    copy: float
    part: float = PART_ALIKE


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
        seconds, duration = clocked(video.seconds, video.duration)
        return FrameSequence(self.space.project(video.features), seconds, duration)

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
        seconds, duration = clocked(self._seconds[place], float(self._durations[place]))
        return FrameSequence(features, seconds, duration)


def clocked(seconds: F64, duration: float) -> tuple[F64, float]:
    """Return the times of frames, or a frame a second where a store has none that rise.

    >>> clocked(np.zeros(2), 0.0)
    (array([0.5, 1.5]), 2.0)
    """
    rising = np.isfinite(seconds).all() and (len(seconds) < 2 or (np.diff(seconds) >= 0).all())
    if rising and np.isfinite(duration) and duration > 0:
        return seconds, duration
    return np.arange(len(seconds), dtype=np.float64) + 0.5, float(len(seconds))


def verdict_of(found: Alignment | None, cosine: float, limits: Thresholds) -> Verdict:
    """Return what an alignment says.

    Args:
        found: Of the two videos.
        cosine: Of their mean features.
        limits: What chance reaches.
    """
    if found is not None:
        small, large = sorted((found.share_a, found.share_b))
        only_cuts = found.cuts > 1 and found.inner < INNER
        if small >= SAME and found.score >= limits.copy + SAME_CUTS * only_cuts:
            return Verdict(Relation.COPY, _moves(found), found)
        if large >= PART and small < SAME and _part_sureness(found) >= limits.part:
            inner = "a" if found.share_a > found.share_b else "b"
            reason = f"{_moves(found, longer=False)}, in {small:.0%} of the longer"
            return Verdict(Relation.PART_OF, reason, found, contained=inner)
        if small >= SAME and found.cosine >= limits.scenes:
            what = "the same cuts" if only_cuts else "the same scenes"
            moves = f"dyn {found.dyn:.2f}, even {found.even:.2f}"
            return Verdict(
                Relation.SAME_SCENES, f"{what}, but they move otherwise ({moves})", found
            )
    if cosine >= limits.similar:
        reason = f"mean frames are alike (cosine {cosine:.2f}), no moments in common"
        return Verdict(Relation.SIMILAR, reason, found)
    return Verdict(Relation.NOTHING, f"no more alike than others (cosine {cosine:.2f})", found)


def _part_sureness(found: Alignment) -> float:
    """Return how alike a part moves, less where few frames say so."""
    alike = (found.dyn + 2 * found.even) / 3
    return float(alike * np.sqrt(min(found.moments, FULL) / FULL))


def _moves(found: Alignment, *, longer: bool = True) -> str:
    where = f" over {min(found.share_a, found.share_b):.0%} of the longer" if longer else ""
    cut = ", footage cut in or out" if len(found.runs) > 1 else ""
    return f"moves alike (dyn {found.dyn:.2f}, even {found.even:.2f}){where}{cut}"


def _thresholds(store: FeatureStore, space: FrameSpace, seed: int) -> Thresholds:
    """Sample pairs of a library without labels: nearly all are unrelated."""
    usual = Thresholds(similar=0.6, scenes=0.4, copy=COPY, part=PART_ALIKE)
    count = store.shape[0]
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(count, min(count, VIDEOS), replace=False))
    held = ProjectedRows(store, space, rows)
    drawn = rng.integers(0, len(rows), (PAIRS, 2))
    drawn = np.unique(np.sort(drawn[drawn[:, 0] != drawn[:, 1]], axis=1), axis=0)
    if len(drawn) < FEW:
        return usual
    means = np.stack([unit(held[int(row)].features.mean(axis=0)) for row in rows])
    similar = float(np.quantile((means[drawn[:, 0]] * means[drawn[:, 1]]).sum(axis=1), CHANCE))
    found = [align(held[int(rows[i])], held[int(rows[j])]) for i, j in drawn]
    aligned = [one for one in found if one is not None]
    if len(aligned) < FEW:
        return usual
    scenes = float(np.quantile([one.cosine for one in aligned], SCENES))
    # Median and absolute deviations: copies among the pairs that were drawn change them little.
    scores = np.array([one.score for one in aligned])
    usually = float(np.median(scores))
    chance = usually + SPREADS * 1.4826 * float(np.median(np.abs(scores - usually)))
    copy = min(max(COPY, chance), HIGHEST)
    return Thresholds(min(similar, 0.8), min(scenes, 0.8), copy, PART_ALIKE + copy - COPY)


def sequences(store: FeatureStore, rows: Iterable[int]) -> Iterator[FrameSequence]:
    """Yield videos of a store as they are, one by one."""
    for row in rows:
        at = np.array([row], np.int64)
        features: F32 = store.features(at)[0].astype(np.float32)
        yield FrameSequence(features, store.seconds(at)[0], float(store.videos.duration[row]))
