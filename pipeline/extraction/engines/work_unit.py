"""Work unit: a range of videos that one machine extracts to one file per store."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...backbones import Backbone
from ...decode import DecodeWorker
from ...options import BackboneOptions
from ...records import FailedVideo, VideoFeatures, load_plugins
from ...store import JournalSpec, parts_of, write_unit
from ...store.atomic import atomic_replace, storage_errors
from ..duplicates import ContentClaims, Duplicate
from ..options import ExtractOptions
from ..specs import build_backbones, extraction_specs
from ..video_reader import Outcome, VideoJob, VideoReader
from ..worker_pool import WorkerPool
from .base import Duplicates, cpu_of_children

KNOWN = "known-ids.npy"


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """Input of a machine for one work unit; sent as a pickle.

    Attributes:
        number: Of the unit in its run.
        jobs: The videos, and which stores lack each.
        options: The run's; paths in them must be good on every machine.
        journal_specs: What each store's journal was started for.
    """

    number: int
    jobs: tuple[VideoJob, ...]
    options: ExtractOptions
    journal_specs: tuple[JournalSpec, ...]


@dataclass(frozen=True, slots=True)
class UnitReport:
    """Result of a work unit.

    Attributes:
        number: Of the unit.
        files: For each store the name of its result file in the folder of parts, if any.
        duplicates: Videos whose bytes a store, or another video of the unit, has.
        decode_seconds: CPU time of the decoding processes.
        backbone_seconds: CPU time of each backbone's calling threads.
    """

    number: int
    files: Mapping[int, str]
    duplicates: Duplicates
    decode_seconds: float
    backbone_seconds: tuple[float, ...]


class KnownContent:
    """Which contents a store had before the run, and which path of this unit reads new ones.

    Args:
        ids: Sorted SHA-256 digests, (n, 32) bytes; may be memory-mapped.
    """

    def __init__(self, ids: npt.NDArray[np.uint8]) -> None:
        self._ids = ids
        self._mine = ContentClaims()

    def claim(self, video_id: bytes, path: bytes) -> bytes:
        """Return the path that reads these bytes; it is empty where they were known before."""
        rows = range(len(self._ids))
        place = bisect_left(rows, video_id, key=lambda row: self._ids[row].tobytes())
        if place < len(rows) and self._ids[place].tobytes() == video_id:
            return b""
        return self._mine.claim(video_id, path)


def write_known(out: Path, ids: Iterable[bytes]) -> None:
    """Lay the contents that a store has beside its journal, where units find them.

    Raises:
        StorageError: If the disk does not take it.
    """
    digests = np.frombuffer(b"".join(sorted(ids)), np.uint8).reshape(-1, 32)
    with (
        storage_errors(out),
        atomic_replace(parts_of(out) / KNOWN) as temporary,
        open(temporary, "wb") as file,
    ):
        np.save(file, digests)


@lru_cache(maxsize=1)
def built(names: tuple[str, ...], compute: BackboneOptions) -> tuple[Backbone, ...]:
    """Return backbones by name; a process that works on many units builds them once."""
    return build_backbones(names, compute)


def work_unit(unit: WorkUnit, backbones: Sequence[Backbone] | None = None) -> UnitReport:
    """Read the videos of a unit and seal what became of them into files.

    It may run twice, also at the same time: every attempt has files of its own.

    Args:
        unit: The work.
        backbones: Used instead of building those of the options.

    Raises:
        ChainpipeError: If a backbone is not to be had or the disk does not take a file.
    """
    options = unit.options
    load_plugins(options.plugins)
    names = tuple(name for name, _ in options.targets)
    networks = backbones or built(names, options.compute)
    specs = extraction_specs(options, networks)
    known = [np.load(parts_of(out) / KNOWN, mmap_mode="r") for _, out in options.targets]
    claims = [KnownContent(ids) for ids in known]
    links = options.inputs.follow_symlinks
    reader = VideoReader(unit.journal_specs[0].root, specs, claims, follow_symlinks=links)
    workers = min(options.engine.workers, len(unit.jobs))
    limits, before = options.decoding.limits, cpu_of_children()
    with WorkerPool(
        unit.jobs, reader, workers=workers, decoder=lambda: DecodeWorker(limits)
    ) as pool:
        found = [outcomes for outcomes in pool.results() if outcomes is not None]
    files, duplicates = _write_unit_files(unit, found)
    clocks = tuple(spec.clock.seconds for spec in specs)
    return UnitReport(unit.number, files, duplicates, cpu_of_children() - before, clocks)


def _write_unit_files(
    unit: WorkUnit, found: Sequence[Mapping[int, Outcome]]
) -> tuple[dict[int, str], Duplicates]:
    files: dict[int, str] = {}
    duplicates: Duplicates = []
    for number, (_, out) in enumerate(unit.options.targets):
        mine = [outcomes[number] for outcomes in found if number in outcomes]
        rows = [outcome for outcome in mine if isinstance(outcome, VideoFeatures)]
        failed = [outcome for outcome in mine if isinstance(outcome, FailedVideo)]
        duplicates += [(number, outcome) for outcome in mine if isinstance(outcome, Duplicate)]
        if rows or failed:
            spec_of_store, name = unit.journal_specs[number], f"{unit.number:06}"
            files[number] = write_unit(parts_of(out), name, rows, failed, spec_of_store).path.name
    return files, duplicates


def attempt(unit: WorkUnit, backbones: Sequence[Backbone] | None = None) -> UnitReport | Exception:
    """Run :func:`work_unit` and return its exception, to distinguish it from a lost machine."""
    try:
        return work_unit(unit, backbones)
    except Exception as error:
        return error
