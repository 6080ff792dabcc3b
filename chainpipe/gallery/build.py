"""Build a gallery: from a store, and what other commands found in it, to a folder of pages."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.hashing.duplicates.decisions import decisions_beside, read_decisions
from chainpipe.pipeline.console import counted, printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.options import available_cpus
from chainpipe.pipeline.store import FeatureStore
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors
from chainpipe.pipeline.store.lock import output_lock

from .code_map import MapKind
from .duplicate_pairs import (
    LibraryDuplicates,
    aligned_moments,
    look_for_duplicates,
    read_duplicates,
)
from .film_places import FoundPlace, by_film, read_places
from .kept_map import kept_map
from .library import ShownLibrary, shown_library
from .neighbours import centred_units, mean_features, nearest_by_codes, nearest_by_means
from .page_files import PAGE, check_folder, mark_folder, write_pages
from .strips import FOLDER, Strip, StripFolder, evenly, frame_size, rising
from .video_columns import strip_facts, video_columns

ALIGNED = 6  # frames of each video of a pair that are shown side by side
PLACE = 4  # frames of a clip and of a film that are shown for each place
MOST_PAIRS = 2000  # pairs whose frames are shown
NEIGHBOURS, THUMBNAILS = 12, 8

Log = Callable[[str], None]
Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]


def _silent(what: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda steps: None)


@dataclass(frozen=True, slots=True)
class GalleryInputs:
    """What a gallery shows beside the store.

    Attributes:
        model: A model folder; by default the newest that was trained on the store.
        codes: A codes file; by default that of the model.
        duplicates: What ``dedup --json`` printed; by default the store is looked through now.
        look: Whether it is looked through where no file is named.
        finds: What ``find --json`` printed.
        decisions: File of decisions; by default ``decisions.jsonl`` beside the store.
        neighbours: How many of each video.
        map: How the map is made.
        thumbnails: Frames of each video, at most; fewer if the store has fewer.
        workers: Videos decoded at a time; by default one a core.
    """

    model: Path | None = None
    codes: Path | None = None
    duplicates: Path | None = None
    look: bool = True
    finds: Path | None = None
    decisions: Path | None = None
    neighbours: int = NEIGHBOURS
    map: MapKind = MapKind.TSNE
    thumbnails: int = THUMBNAILS
    workers: int | None = None

    def __post_init__(self) -> None:
        for name in ("neighbours", "thumbnails"):
            if getattr(self, name) < 1:
                raise UsageError(f"`{name}` is {getattr(self, name)}", hint="it is at least 1")


@dataclass(frozen=True, slots=True)
class GalleryReport:
    """What a build did.

    Attributes:
        page: The page to open.
        videos: Videos of the library.
        pairs: Pairs of duplicates that are shown.
        places: Places of clips in films that are shown.
        without: Videos without pictures.
        removed: Picture files of earlier builds that no page shows any more.
    """

    page: Path
    videos: int
    pairs: int
    places: int
    without: int
    removed: int


def build_gallery(
    store: Path,
    out: Path,
    inputs: GalleryInputs | None = None,
    *,
    restart: bool = False,
    log: Log = lambda line: None,
    progress: Progress = _silent,
) -> GalleryReport:
    """Make a gallery, or bring one up to date: pictures that are there are not made again.

    Args:
        store: The feature store.
        out: The folder; a new or empty one, or an earlier gallery.
        inputs: What is shown beside the store.
        restart: Whether to make all pictures anew, beside the old gallery, which goes last.
        log: Prints one line.
        progress: Shows how far it is: ``with progress(what, total) as advance``.

    Raises:
        UsageError: If a value is wrong, ``out`` holds anything else, or inputs do not fit.
        NotFoundError: If a file that was named is not there.
        DamageError: If store, model or codes are damaged.
        StorageError: If the disk does not take the pages.
        LockedError: If another process writes the gallery.
    """
    wanted = inputs or GalleryInputs()
    check_folder(out)
    options = {"model": wanted.model, "codes": wanted.codes, "log": log, "progress": progress}
    with shown_library(store, **options) as library:  # type: ignore[arg-type]
        with storage_errors(out):
            out.parent.mkdir(parents=True, exist_ok=True)
        with output_lock(out), _place(out, restart=restart) as folder:
            report = _Build(library, wanted, folder, log, progress).run()
    return replace(report, page=out / PAGE)


@contextmanager
def _place(out: Path, *, restart: bool) -> Iterator[Path]:
    """Give the folder to build in: the gallery itself, or one that replaces it in the end."""
    if not (restart and out.exists()):
        mark_folder(out)
        yield out
        return
    with storage_errors(out), atomic_replace(out) as temporary:
        mark_folder(temporary)
        yield temporary


class _Build:
    """One build: what goes on the pages, and the pictures that they show."""

    def __init__(
        self, library: ShownLibrary, wanted: GalleryInputs, out: Path, log: Log, progress: Progress
    ) -> None:
        self.store, self.codes, self.name = library.store, library.codes, library.name
        self.wanted, self.out, self.log, self.progress = wanted, out, log, progress
        self.table = self.store.videos
        root = Path(os.fsdecode(self.store.root))
        self.strips = StripFolder(out / FOLDER, self.table, root)

    def run(self) -> GalleryReport:
        decisions = _decision_lines(self._decisions_file())
        found = self._duplicates()
        places = read_places(self.wanted.finds, self.store) if self.wanted.finds else []
        near, plane = self._near_and_map()
        shown = {row: self._strip(row) for row in range(len(self.table))}
        pairs = {at: self._pair_strips(*found.pairs[at]) for at in range(len(found.pairs))}
        sides = [self._place_strips(place) for place in places]
        wanted = [*shown.values(), *(strip for two in (*pairs.values(), *sides) for strip in two)]
        made = self.strips.make(
            [strip for strip in wanted if strip is not None],
            workers=self.wanted.workers,
            progress=self.progress,
        )
        columns = video_columns(
            self.store, shown, made, missing=self.strips.missing, blank=found.blank
        )
        facts = {strip: self._facts(strip, file) for strip, file in made.items()}
        data = {
            "library": self._about(),
            "videos": columns,
            "near": near,
            "plane": plane,
            "duplicates": {
                "pairs": [
                    _pair(a, b, told, [facts.get(s) if s else None for s in pairs[at]])
                    for at, (a, b, told) in enumerate(found.pairs)
                ],
                "groups": [
                    [group.keep, list(group.others), group.reason] for group in found.groups
                ],
            },
            "films": _films(places, sides, facts),
            "decisions": decisions,
        }
        write_pages(self.out, data, title=printable(self.store.path.name))
        removed = self.strips.remove_others(made.values())
        without = sum(row not in columns["strips"] for row in range(len(self.table)))
        self._tell(without)
        return GalleryReport(
            self.out / PAGE, len(self.table), len(found.pairs), len(places), without, removed
        )

    def _about(self) -> dict[str, Any]:
        return {
            "store": printable(self.store.path.name),
            "model": self.name,
            "key": self.store.table_sha256[:16] or printable(self.store.path.name),
        }

    def _decisions_file(self) -> Path:
        return self.wanted.decisions or decisions_beside(self.store.path)

    def _duplicates(self) -> LibraryDuplicates:
        if self.wanted.duplicates is not None:
            return read_duplicates(self.wanted.duplicates, self.store)
        if not self.wanted.look or len(self.table) < 2 or not self._knows_times():
            return LibraryDuplicates()
        return look_for_duplicates(
            self.store,
            codes=None if self.codes is None else np.asarray(self.codes.packed),
            workers=self.wanted.workers or available_cpus(),
            progress=self.progress,
        )

    def _knows_times(self) -> bool:
        return bool(np.isfinite(self.store.sequence_seconds(0)).all())

    def _near_and_map(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the neighbours and the map, both of codes, or both of mean features."""
        if self.codes is not None:
            found = nearest_by_codes(self.codes, self.wanted.neighbours)
            values = np.asarray(self.codes.numpy(signed=True), np.float32)
        else:
            means = mean_features(self.store)
            found = nearest_by_means(means, self.wanted.neighbours)
            values = centred_units(means)
        whole = found.bits > 0
        distances = found.distances.astype(np.int64) if whole else found.distances
        near = {
            "bits": found.bits,
            "count": found.rows.shape[1],
            "rows": found.rows.ravel().tolist(),
            "distances": distances.ravel().tolist(),
        }
        points = kept_map(self.out, values, self.wanted.map, self.progress)
        steps = np.round(points * 10_000).astype(np.int64)
        of = f"codes of {found.bits} bits" if whole else "mean features"
        return near, {"method": self.wanted.map.text, "of": of, "points": steps.ravel().tolist()}

    def _strip(self, row: int) -> Strip:
        """Return the frames of a video: some of its stored moments, spread over its length."""
        seconds = rising(self.store.sequence_seconds(row))
        return Strip(row, tuple(evenly(seconds, self.wanted.thumbnails)))

    def _pair_strips(self, a: int, b: int, facts: Mapping[str, Any]) -> tuple[Strip, Strip]:
        moments = list(aligned_moments(facts, ALIGNED))
        return _side(a, [one for one, _ in moments]), _side(b, [other for _, other in moments])

    def _place_strips(self, place: FoundPlace) -> tuple[Strip | None, Strip | None]:
        moments = list(place.moments(PLACE)) if place.path else []
        film = _side(place.film_row, [one for one, _ in moments])
        clip = _side(place.query_row, [other for _, other in moments])
        return (film if place.film_row >= 0 else None), (clip if place.query_row >= 0 else None)

    def _facts(self, strip: Strip, file: str) -> list[Any]:
        return strip_facts(file, strip, frame_size(self.table, strip.row))

    def _tell(self, without: int) -> None:
        if without:
            why = next(iter(self.strips.missing.values()), "the store does not know when they are")
            of = counted(len(self.table), "video")
            self.log(f"{without} of {of} without pictures; the first: {why}")


def _side(row: int, seconds: list[float]) -> Strip:
    return Strip(row, rising(seconds))


def _pair(a: int, b: int, facts: Mapping[str, Any], strips: list[Any]) -> dict[str, Any]:
    names = ("answer", "exact", "distance", "share_a", "share_b", "offset", "speed", "mirrored")
    times = ("a_start", "a_end", "b_start", "b_end", "score", "reason")
    kept = {name: facts.get(name) for name in (*names, *times)}
    return {"a": a, "b": b, "strips": strips} | kept


def _films(
    places: list[FoundPlace],
    sides: list[tuple[Strip | None, Strip | None]],
    facts: Mapping[Strip, list[Any]],
) -> dict[str, Any]:
    strips_of = {
        id(place): [facts.get(strip) if strip else None for strip in two]
        for place, two in zip(places, sides, strict=True)
    }
    films = [
        {
            "name": printable(name),
            "row": found[0].film_row,
            "places": [
                {
                    "query": printable(place.query),
                    "row": place.query_row,
                    "span": [place.start, place.end],
                    "part": [place.query_start, place.query_end],
                    "speed": place.speed,
                    "score": place.score,
                    "strips": strips_of[id(place)],
                }
                for place in found
            ],
        }
        for name, found in by_film(places).items()
    ]
    nowhere = [[printable(one.query), one.query_row] for one in places if not one.path]
    return {"films": films, "nowhere": nowhere}


def _decision_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of decisions, each checked; none without a file."""
    read_decisions(path)
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line.strip()]


__all__ = ["GalleryInputs", "GalleryReport", "build_gallery"]
