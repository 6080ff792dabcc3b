"""Strips of two videos at the same moments: of pairs of duplicates, and of clips in films."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chainpipe.pipeline.console import printable

from .duplicate_pairs import Facts, aligned_moments
from .film_places import FoundPlace, by_film
from .strips import Strip, rising

ALIGNED = 6  # frames of each video of a pair
PLACE = 4  # frames of a clip and of a film for each place
MOST_PAIRS = 2000  # pairs whose frames are shown: the surest
_TOLD = (
    *("answer", "exact", "distance", "share_a", "share_b", "offset", "speed", "mirrored"),
    *("a_start", "a_end", "b_start", "b_end", "score", "reason"),
)

TwoStrips = tuple[Strip | None, Strip | None]
StripFacts = Mapping[Strip, list[Any]]


def strips_of_pairs(pairs: Sequence[tuple[int, int, Facts]]) -> list[TwoStrips]:
    """Return the two strips of each pair of rows; ``None`` where nothing is aligned."""
    found = []
    for at, (a, b, facts) in enumerate(pairs):
        moments = aligned_moments(facts, ALIGNED) if at < MOST_PAIRS else ()
        found.append(_two(a, b, moments))
    return found


def strips_of_places(places: Sequence[FoundPlace]) -> list[TwoStrips]:
    """Return the strip of the film and that of the clip for each place, where they have rows."""
    return [
        _two(place.film_row, place.query_row, place.moments(PLACE) if place.path else ())
        for place in places
    ]


def pair_data(
    pairs: Sequence[tuple[int, int, Facts]], strips: Sequence[TwoStrips], facts: StripFacts
) -> list[dict[str, Any]]:
    """Return what the page of duplicates shows of each pair."""
    return [
        {"a": a, "b": b, "strips": _facts_of(two, facts)} | {name: told.get(name) for name in _TOLD}
        for (a, b, told), two in zip(pairs, strips, strict=True)
    ]


def film_data(
    places: Sequence[FoundPlace], strips: Sequence[TwoStrips], facts: StripFacts
) -> dict[str, Any]:
    """Return what the page of films shows: films with their places, and clips in none."""
    two_of = dict(zip(map(id, places), strips, strict=True))
    films = [
        {
            "name": printable(name),
            "row": found[0].film_row,
            "places": [_place(place, _facts_of(two_of[id(place)], facts)) for place in found],
        }
        for name, found in by_film(places).items()
    ]
    nowhere = [[_name(place), place.query_row] for place in places if not place.path]
    return {"films": films, "nowhere": nowhere}


def _place(place: FoundPlace, strips: list[Any]) -> dict[str, Any]:
    return {
        "query": _name(place),
        "row": place.query_row,
        "span": [place.start, place.end],
        "part": [place.query_start, place.query_end],
        "speed": place.speed,
        "score": place.score,
        "strips": strips,
    }


def _name(place: FoundPlace) -> str:
    """Return the name of a clip; of one outside of the store no folder of this machine is shown."""
    return printable(place.query if place.query_row >= 0 else place.query.rsplit("/", 1)[-1])


def _two(one: int, other: int, moments: Iterable[tuple[float, float]]) -> TwoStrips:
    pairs = list(moments)
    return _strip(one, [pair[0] for pair in pairs]), _strip(other, [pair[1] for pair in pairs])


def _strip(row: int, seconds: list[float]) -> Strip | None:
    return Strip(row, rising(seconds)) if row >= 0 and seconds else None


def _facts_of(two: TwoStrips, facts: StripFacts) -> list[Any]:
    return [None if strip is None else facts.get(strip) for strip in two]
