"""Clips found in films: the lines of ``find --json``, by film."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.base import FeatureStore

from .json_lines import read_json_lines

HINT = "`chainpipe find CLIP --in STORE --json > FILE` writes one"
_NUMBERS = ("start", "end", "query_start", "query_end", "speed", "score")


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A stretch of a film that a clip shows.

    Attributes:
        query: The clip: its path in the gallery's store, else as it was asked for.
        path: The film as its store has it; empty where the clip is in no film.
        query_row: Row of the clip in the gallery's store, -1 if it is not there.
        film_row: Row of the film there, -1 if it is not.
        start: Second of the film at which the stretch starts.
        end: Second at which it ends.
        query_start: Second of the clip that shows ``start``.
        query_end: Second of the clip that shows ``end``.
        speed: Seconds of the film a second of the clip.
        score: Larger for surer answers.
    """

    query: str
    path: str
    query_row: int
    film_row: int
    start: float = 0.0
    end: float = 0.0
    query_start: float = 0.0
    query_end: float = 0.0
    speed: float = 1.0
    score: float = 0.0

    def moments(self, count: int) -> Iterator[tuple[float, float]]:
        """Yield seconds of the film and of the clip that show the same, spread over the place."""
        for place in range(count):
            share = (2 * place + 1) / (2 * count)
            yield (
                self.start + share * (self.end - self.start),
                self.query_start + share * (self.query_end - self.query_start),
            )


def read_places(path: Path, store: FeatureStore) -> list[FoundPlace]:
    """Read what ``chainpipe find --json`` printed.

    Args:
        path: The file.
        store: The store whose videos may be the films, the clips or both.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If a line is no such object.
    """
    rows = {os.fsdecode(name): row for row, name in enumerate(store.videos.paths)}
    root = os.path.abspath(os.fsdecode(store.root))
    found = []
    for where, facts in read_json_lines(path, schema=1, hint=HINT):
        query, film = facts.get("query"), facts.get("path", 0)
        if not isinstance(query, str) or not isinstance(film, str | None):
            raise UsageError(f"{where} is no place of `find --json`", hint=HINT)
        query_row = _row_of(query, rows, root)
        if query_row >= 0:
            query = os.fsdecode(store.videos.paths[query_row])
        if film is None:
            found.append(FoundPlace(query, "", query_row, -1))
        else:
            numbers = _numbers(facts, where)
            found.append(FoundPlace(query, film, query_row, rows.get(film, -1), *numbers))
    return found


def by_film(places: Sequence[FoundPlace]) -> dict[str, list[FoundPlace]]:
    """Return the places of each film, in the order of their starts; films by their first line."""
    films: dict[str, list[FoundPlace]] = {}
    for place in places:
        if place.path:
            films.setdefault(place.path, []).append(place)
    return {name: sorted(found, key=lambda one: one.start) for name, found in films.items()}


def _row_of(query: str, rows: dict[str, int], root: str) -> int:
    """Return the row of a clip that was named by its path in the store or by its file."""
    if query in rows:
        return rows[query]
    return rows.get(os.path.relpath(os.path.abspath(query), root), -1)


def _numbers(facts: dict[str, Any], where: str) -> list[float]:
    for name in _NUMBERS:
        if not isinstance(facts.get(name), int | float):
            shown = printable(str(facts.get(name)))
            raise UsageError(f"{where}: `{name}` is no number: `{shown}`", hint=HINT)
    return [float(facts[name]) for name in _NUMBERS]
