"""What a search for clips in films answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClipPlace:
    """A stretch of a film that a clip shows.

    Attributes:
        row: Of the film in its store.
        start: Second of the film at which the stretch starts.
        end: Second at which it ends.
        query_start: Second of the clip that shows ``start``.
        query_end: Second of the clip that shows ``end``.
        speed: Seconds of the film a second of the clip.
        score: Larger for surer answers, about 0 to 3; comparable within one library.
    """

    row: int
    start: float
    end: float
    query_start: float
    query_end: float
    speed: float
    score: float
