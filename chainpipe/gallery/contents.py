"""What is on the pages of a gallery: data for their scripts, and the strips that they show."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.hashing.duplicates.decisions import decisions_beside, read_decisions
from chainpipe.pipeline.console import printable
from chainpipe.pipeline.options import available_cpus
from chainpipe.pipeline.store.base import FeatureStore

from .duplicate_pairs import LibraryDuplicates, look_for_duplicates, read_duplicates
from .film_places import read_places
from .inputs import GalleryInputs
from .kept_map import kept_map
from .library import ShownLibrary
from .neighbours import centred_units, mean_features, nearest_by_codes, nearest_by_means
from .side_by_side import film_data, pair_data, strips_of_pairs, strips_of_places
from .stored_moments import evenly, stored_moments
from .strips import Strip, StripFolder, frame_size, rising
from .video_columns import strip_facts, video_columns

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
STEPS = 10_000  # of an axis of the map


@dataclass(frozen=True, slots=True, eq=False)
class PageContents:
    """What is written.

    Attributes:
        data: What each script of data holds, by name.
        files: The strips that the pages show.
        pairs: Pairs of duplicates.
        places: Places of clips in films.
        without: Videos without pictures.
    """

    data: Mapping[str, Any]
    files: frozenset[str]
    pairs: int
    places: int
    without: int


def page_contents(
    library: ShownLibrary,
    inputs: GalleryInputs,
    folder: Path,
    strips: StripFolder,
    *,
    progress: Progress,
) -> PageContents:
    """Look at a library and make the strips that its pages need.

    Args:
        library: The store and its codes.
        inputs: What else is shown.
        folder: The gallery, which keeps the map.
        strips: Where the strips go.
        progress: Shows how far it is.

    Raises:
        UsageError: If a file of another command does not fit, or features are NaN.
        NotFoundError: If there is no such file.
        DamageError: If the store is damaged.
        StorageError: If the disk does not take the strips.
    """
    store = library.store
    decisions = _decision_lines(inputs.decisions or decisions_beside(store.path))
    places = read_places(inputs.finds, store) if inputs.finds is not None else []
    found = _duplicates(library, inputs, progress)
    near, plane = _near_and_map(library, inputs, folder, progress)
    own = {
        row: Strip(row, evenly(rising(seconds), inputs.thumbnails))
        for row, seconds in enumerate(stored_moments(store))
    }
    sides, places_sides = strips_of_pairs(found.pairs), strips_of_places(places)
    both = [strip for two in (*sides, *places_sides) for strip in two if strip is not None]
    made = strips.make([*own.values(), *both], workers=inputs.workers, progress=progress)
    facts = {
        strip: strip_facts(file, strip, frame_size(store.videos, strip.row))
        for strip, file in made.items()
    }
    columns = video_columns(store, own, made, missing=strips.missing, blank=found.blank)
    groups = [[group.keep, list(group.others), group.reason] for group in found.groups]
    data = {
        "library": _about(store, library.name),
        "videos": columns,
        "near": near,
        "plane": plane,
        "duplicates": {"pairs": pair_data(found.pairs, sides, facts), "groups": groups},
        "films": film_data(places, places_sides, facts),
        "decisions": decisions,
    }
    without = len(store.videos) - len(columns["strips"])
    shown = sum(bool(place.path) for place in places)  # not the clips that are in no film
    return PageContents(data, frozenset(made.values()), len(found.pairs), shown, without)


def _about(store: FeatureStore, model: str) -> dict[str, str]:
    name = printable(store.path.name)
    return {"store": name, "model": model, "key": store.table_sha256[:16] or name}


def _duplicates(
    library: ShownLibrary, inputs: GalleryInputs, progress: Progress
) -> LibraryDuplicates:
    store = library.store
    if inputs.duplicates is not None:
        return read_duplicates(inputs.duplicates, store)
    if not inputs.look or len(store.videos) < 2 or not _knows_times(store):
        return LibraryDuplicates()
    packed = None if library.codes is None else np.asarray(library.codes.packed)
    workers = inputs.workers or available_cpus()
    return look_for_duplicates(store, codes=packed, workers=workers, progress=progress)


def _knows_times(store: FeatureStore) -> bool:
    """Return whether a store knows when its frames are shown, as published features do not."""
    return bool(np.isfinite(store.sequence_seconds(0)).all())


def _near_and_map(
    library: ShownLibrary, inputs: GalleryInputs, folder: Path, progress: Progress
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the neighbours and the map, both of codes, or both of mean features."""
    if library.codes is not None:
        found = nearest_by_codes(library.codes, inputs.neighbours)
        values = np.asarray(library.codes.numpy(signed=True), np.float32)
        of = f"codes of {found.bits} bits"
    else:
        means = mean_features(library.store)
        found = nearest_by_means(means, inputs.neighbours)
        values, of = centred_units(means), "mean features"
    near = {
        "bits": found.bits,
        "count": found.rows.shape[1],
        "rows": found.rows.ravel().tolist(),
        "distances": [int(far) if found.bits else float(far) for far in found.distances.flat],
    }
    points = kept_map(folder, values, inputs.map, progress)
    steps = np.round(points * STEPS).astype(np.int64)
    plane = {"method": inputs.map.text, "of": of, "steps": STEPS, "points": steps.ravel().tolist()}
    return near, plane


def _decision_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of decisions, each checked; none without a file."""
    read_decisions(path)
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line.strip()]
