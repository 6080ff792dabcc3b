"""Find the places of films that a clip shows: votes, then alignment frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..matching.alignment import align
from ..matching.records import Alignment, FrameSequence
from ..retrieval.bitpack import U8
from ..retrieval.index import HammingIndex
from .film_frames import FilmFrames
from .film_index import FilmIndex, searchable
from .line import ClipLine, fit_line, read_between
from .records import ClipPlace
from .votes import VotedPlace, count_votes
from .windows import windows_of

NEAREST = 20  # film windows that each window of a clip votes for
ALIGNED = 6  # places that are aligned
FURTHER = 10.0  # seconds of a clip that add a place
SPEEDS = tuple(float(s) for s in np.exp(np.linspace(-np.log(1.65), np.log(1.65), 15)))
MARGIN = 2.0  # seconds of film around a place that are looked at
WHOLE = 20.0  # seconds of a clip that are as good as all of it
PART = 30.0  # seconds of a long clip that are looked for at a time
FEWEST = 3  # frames of a clip
MOST = 10  # places of a clip
NEAR_END = 1.0  # seconds to an end of the clip that are taken to go on as its frames do
GOES_ON = 0.5  # of the run's mean, that frames before or after it have where they go on

Encode = Callable[[FrameSequence], U8]
"""Returns the codes of a clip's windows, of its features as the store has them."""


class PossiblePlace(NamedTuple):
    """A place at which a clip was aligned.

    Attributes:
        score: Larger for surer answers.
        row: Of the film.
        start: Second of the film from which ``film`` counts.
        film: Its frames around the place.
        found: How the clip lies in them.
    """

    score: float
    row: int
    start: float
    film: FrameSequence
    found: Alignment

    @property
    def span(self) -> tuple[float, float]:
        """From which second of the film to which."""
        run = self.found.runs[0]
        return self.start + run.b_start, self.start + run.b_end


class ClipFinder:
    """Finds clips in the films of one library.

    Args:
        frames: Reads the films.
        index: Of their windows.
        encode: Codes of a clip's windows; by default the index's own.
    """

    def __init__(
        self, frames: FilmFrames, index: FilmIndex, *, encode: Encode | None = None
    ) -> None:
        self.frames, self.index = frames, index
        self._encode = encode
        self._codes: HammingIndex = searchable(index)

    def find(self, clip: FrameSequence, *, most: int = MOST) -> list[ClipPlace]:
        """Return the places that are surer than chance, the surest first; often none.

        A clip that is longer than a minute is looked for in parts, and what follows on is joined.

        Args:
            clip: Its features as the store has them, (T, D).
            most: How many places there may be.
        """
        found: list[ClipPlace] = []
        for part, start in parts_of(clip):
            codes = None if self._encode is None else self._encode(part)
            for place in self._sure(self.projected(part), codes, most):
                moved = replace(
                    place,
                    query_start=place.query_start + start,
                    query_end=place.query_end + start,
                )
                found = joined_with(found, moved)
        return sorted(found, key=lambda one: (-one.score, one.row, one.start))[:most]

    def candidates(
        self,
        clip: FrameSequence,
        codes: U8 | None = None,
        *,
        skip: tuple[int, float, float] | None = None,
        nearest: int = NEAREST,
    ) -> list[PossiblePlace]:
        """Return all aligned places, the surest first, whatever chance reaches.

        Args:
            clip: Its features projected into the space of the index, (T, M).
            codes: Of its windows; by default the index's own.
            skip: Row, first and last second of a place in a film that does not count.
            nearest: Film windows that each window of the clip votes for.
        """
        voted = self._voted(clip, codes, nearest, skip)
        found = [one for one in (self._aligned(clip, place) for place in voted) if one]
        return sorted(found, key=lambda one: (-one.score, one.row, one.start))

    def projected(self, clip: FrameSequence) -> FrameSequence:
        """Return a clip with its features in the space of the index."""
        features = self.index.space.project(clip.features)
        return FrameSequence(features, clip.seconds, clip.duration)

    def _sure(self, clip: FrameSequence, codes: U8 | None, most: int) -> list[ClipPlace]:
        found: list[ClipPlace] = []
        for one in self.candidates(clip, codes):
            if one.score < self.index.threshold or len(found) == most:
                break
            if not any(_overlap(one, other) for other in found):
                found.append(refined(clip, one))
        return found

    def _voted(
        self,
        clip: FrameSequence,
        codes: U8 | None,
        nearest: int,
        skip: tuple[int, float, float] | None,
    ) -> list[VotedPlace]:
        windows = windows_of(clip)
        if codes is None:
            codes = self.index.encode(windows.vectors)
        near = self._codes.search(codes, nearest)
        rows = np.where(near.rows >= 0, self.index.rows[near.rows], -1)
        starts = self.index.starts[near.rows].astype(np.float64)
        if skip is not None:
            row, start, end = skip
            rows = np.where((rows == row) & (starts > start) & (starts < end), -1, rows)
        weights = np.cos(np.pi / self.index.bits * near.distances).astype(np.float32)
        most = ALIGNED + int(clip.duration / FURTHER)
        middle = float(clip.seconds.mean())
        return count_votes(weights, rows, starts, windows.starts, middle, speeds=SPEEDS, most=most)

    def _aligned(self, clip: FrameSequence, place: VotedPlace) -> PossiblePlace | None:
        half = clip.duration * 0.8 + MARGIN
        start = max(0.0, place.middle - half)
        film = self.frames.part(place.row, start, place.middle + half)
        if film is None:
            return None
        guess = place.middle - start - float(clip.seconds.mean())
        reach = MARGIN + 0.3 * clip.duration
        found = align(clip, film, offsets=(guess - reach, guess + reach), speeds=SPEEDS)
        if found is None:
            return None
        run = found.runs[0]
        share = min(1.0, (run.a_end - run.a_start) / max(min(clip.duration, WHOLE), 1e-6))
        score = float((found.dyn + found.step + found.cosine) * share)
        return PossiblePlace(score, place.row, start, film, found)


def refined(clip: FrameSequence, place: PossiblePlace) -> ClipPlace:
    """Fit the line of the longest run anew, and see how far the clip goes on along it."""
    run, film = place.found.runs[0], place.film
    inside = (clip.seconds >= run.a_start - 1e-6) & (clip.seconds <= run.a_end + 1e-6)
    part = clip if inside.sum() < 3 else _only(clip, inside)
    middle = float(part.seconds.mean())
    guess = ClipLine(run.b_start + run.speed * (middle - run.a_start), run.speed, middle)
    line = fit_line(part, film, guess)
    first, last = _ends(clip, film, line, run.a_start, run.a_end)
    low = max(0.0, place.start + line.at(first))
    return ClipPlace(
        place.row, low, place.start + line.at(last), first, last, line.speed, place.score
    )


def _only(clip: FrameSequence, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> FrameSequence:
    return FrameSequence(clip.features[chosen], clip.seconds[chosen], clip.duration)


def _ends(
    clip: FrameSequence, film: FrameSequence, line: ClipLine, start: float, end: float
) -> tuple[float, float]:
    """Return from when to when a clip follows the film: to its ends, unless frames there differ."""
    at = np.array([line.at(second) for second in clip.seconds.tolist()])
    cosines = clip.features @ film.features.T
    values = read_between(cosines, at, film.seconds) - float(cosines.mean())
    inside = (clip.seconds >= start) & (clip.seconds <= end)
    usual = float(values[inside].mean()) if inside.any() else 0.0
    before, after = values[clip.seconds < start], values[clip.seconds > end]
    first, last = start, end
    if start <= NEAR_END or (len(before) and before.mean() >= GOES_ON * usual):
        first = 0.0
    if clip.duration - end <= NEAR_END or (len(after) and after.mean() >= GOES_ON * usual):
        last = clip.duration
    return first, last


def parts_of(clip: FrameSequence) -> list[tuple[FrameSequence, float]]:
    """Return a clip in parts that are looked for on their own, each with its first second."""
    if clip.duration <= 2 * PART:
        return [(clip, 0.0)]
    count = int(clip.duration / PART)
    edges = np.linspace(0.0, clip.duration, count + 1)
    found = []
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        inside = (clip.seconds >= start) & (clip.seconds < end)
        if inside.sum() >= FEWEST:
            seconds = clip.seconds[inside] - start
            found.append((FrameSequence(clip.features[inside], seconds, end - start), start))
    return found


def joined_with(found: list[ClipPlace], place: ClipPlace) -> list[ClipPlace]:
    """Add the place of a clip's next part; it goes on where it follows on one of the others."""
    for number, one in enumerate(found):
        gap = place.start - one.end
        apart = abs(gap - one.speed * (place.query_start - one.query_end))
        if one.row == place.row and -NEAR_END <= gap <= PART and apart <= NEAR_END:
            speed = (place.end - one.start) / (place.query_end - one.query_start)
            whole = replace(
                one,
                end=place.end,
                query_end=place.query_end,
                speed=speed,
                score=max(one.score, place.score),
            )
            return [*found[:number], whole, *found[number + 1 :]]
    return [*found, place]


def _overlap(one: PossiblePlace, other: ClipPlace) -> bool:
    """Return whether two places are mostly the same stretch of a film."""
    start, end = one.span
    if one.row != other.row:
        return False
    shared = min(end, other.end) - max(start, other.start)
    return shared > 0.5 * min(end - start, other.end - other.start)
