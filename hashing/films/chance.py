"""What chance reaches: stretches of the library's own films, looked for in all the rest of it."""

from __future__ import annotations

import numpy as np

from ..matching.records import FrameSequence
from .film_index import CHANCE, FilmIndex
from .finder import ClipFinder, PossiblePlace

TRIED = 160  # stretches
SHORTEST, LONGEST = 3.0, 20.0  # seconds of a stretch
AROUND = 10.0  # seconds around a stretch that do not count
FEWEST = 12  # stretches without which nothing is said
BEYOND = 4.0  # how far beyond their median an answer must be, by the upper quartile's distance
LIMITS = 0.75, 1.2  # scores between which the threshold lies in any library


def fit_threshold(finder: ClipFinder, *, seed: int = 0) -> FilmIndex:
    """Return the index of a finder with the score that chance does not reach, without labels.

    A stretch of a film is a clip that is shown once; what else is found of it is chance, but for
    those that are shown twice, such as title cards. So the threshold lies beyond the median score,
    by a multiple of how far the upper quartile is from it: a quarter may be shown twice.

    Args:
        finder: Of the library.
        seed: Of the stretches.

    Raises:
        DamageError: If a row's bytes are altered.
    """
    frames, rng = finder.frames, np.random.default_rng(seed)
    durations = frames.store.videos.duration
    long = np.flatnonzero(durations >= SHORTEST + 1)
    if not len(long) or durations.sum() < 3 * LONGEST + 2 * AROUND:
        return finder.index.with_threshold(CHANCE)
    rows = rng.choice(long, TRIED, p=durations[long] / durations[long].sum())
    scores = []
    for row in rows.tolist():
        most = min(LONGEST, float(durations[row]) - 1)
        seconds = float(np.exp(rng.uniform(np.log(SHORTEST), np.log(most))))
        start = float(rng.uniform(0, durations[row] - seconds))
        part = frames.part(row, start, start + seconds)
        if part is None:
            continue
        clip = FrameSequence(part.features, part.seconds, seconds)
        skip = row, start - AROUND - seconds, start + seconds + AROUND
        found = finder.candidates(clip, skip=skip, nearest=60)
        scores.append(max((one.score for one in found if not _is(one, skip)), default=0.0))
    if len(scores) < FEWEST:
        return finder.index.with_threshold(CHANCE)
    middle, high = np.quantile(scores, (0.5, 0.75))
    return finder.index.with_threshold(float(np.clip(middle + BEYOND * (high - middle), *LIMITS)))


def _is(place: PossiblePlace, skip: tuple[int, float, float]) -> bool:
    row, start, end = skip
    return place.row == row and place.span[0] < end and place.span[1] > start
