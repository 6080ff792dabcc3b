"""Repair a damaged store: intact rows are copied bit for bit, the others are replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from ..errors import DamageError
from ..records import AugmentationStatistics, FailedVideo, Split, StoreMeta, VideoFeatures
from . import atomic
from .atomic import storage_errors
from .integrity import faults
from .iterate import iter_rows
from .journal.state import SourceFile, source_files
from .lock import output_lock
from .open import is_published, missing, open_arrays, open_store, write_store
from .reader import ArrayStore
from .sequence_store import array_store


def verify(path: Path) -> Iterator[str]:
    """Check every byte of a store, also of one that cannot be opened any more.

    Args:
        path: The store.

    Yields:
        One line for each damage, none if the store is as it was written.

    Raises:
        NotFoundError: If it is missing or not a feature store.
        StorageError: If it cannot be read.
        UsageError: If a later chainpipe made it.
    """
    if is_published(path):
        with open_store(path) as published:
            yield from published.damage()
        return
    try:
        arrays = open_arrays(path, lenient=True)
    except DamageError as error:
        yield str(error)
        return
    with closing(arrays):
        try:
            store = array_store(path, arrays)
        except DamageError as error:
            yield from arrays.damage()
            yield str(error)
        else:
            yield from store.damage()


@dataclass(frozen=True, slots=True)
class DamageReport:
    """Damage of a store whose table of videos is intact.

    Attributes:
        path: The store.
        lines: Lines of ``verify``; none if the store is as it was written.
        rows: Rows to extract again; none if only bytes are altered that are there twice.
        files: Their videos' paths, and the files that were read.
        statistics: Whether its augmentation statistics are lost.
        root: Folder that the paths are relative to, ``os.fsencode``.
        meta: The settings of all rows.
    """

    path: Path
    lines: tuple[str, ...]
    rows: tuple[int, ...]
    files: tuple[tuple[bytes, SourceFile], ...]
    statistics: bool
    root: bytes
    meta: StoreMeta

    @property
    def paths(self) -> tuple[bytes, ...]:
        """Return the paths of the damaged rows' videos."""
        return tuple(path for path, _ in self.files)


@contextmanager
def locked_for_repair(path: Path) -> Iterator[None]:
    """Lock a store against other writers, and remove temporary files of killed ones.

    Raises:
        NotFoundError: If there is nothing to repair.
        LockedError: If a live process writes it; it names pid and host.
        StorageError: If the folder cannot be written.
    """
    if not (path.exists() or atomic.aside_of(path).exists()):
        raise missing(path)
    with storage_errors(path), output_lock(path):
        atomic.restore(path)
        for left in atomic.leftovers(path):
            atomic.remove(left)
        yield


def find_damage(path: Path) -> DamageReport | None:
    """Read every byte of a store and report its damage.

    Args:
        path: The store.

    Returns:
        ``None`` if its table of videos is lost: then only a new extraction helps.

    Raises:
        NotFoundError: If it is missing or not a feature store.
        StorageError: If it cannot be read.
        UsageError: If a later chainpipe made it.
    """
    try:
        store = _open(path)
    except DamageError:
        return None
    with store:
        rows = tuple(store.bad_rows())
        known = list(source_files(store.videos)) if rows else []
        files = tuple(known[row] for row in rows)
        lines, lost = tuple(store.damage()), _statistics(store)[1]
        return DamageReport(path, lines, rows, files, lost, store.root, store.meta)


def rewrite_store(
    damage: DamageReport,
    *,
    fresh: Iterable[VideoFeatures] = (),
    failed: Sequence[FailedVideo] = (),
    augmentation: AugmentationStatistics | None = None,
) -> None:
    """Write the store again without its damage, in one atomic rename.

    Args:
        damage: What :func:`find_damage` found.
        fresh: The videos of ``damage.paths`` in that order, but those that failed now; read once.
            They keep the labels and splits that the store has.
        failed: Videos of ``damage.paths`` that give no features any more; they lose their rows.
        augmentation: Replaces lost statistics; ``None`` drops them.

    Raises:
        ValueError: If ``fresh`` and ``failed`` are not the videos to replace, or do not fit.
        DamageError: If no row is left, or more has been damaged meanwhile.
        StorageError: If the disk does not take it; the store is as before then.
    """
    gone = {video.path for video in failed}
    if strange := gone - set(damage.paths):
        raise ValueError(f"{min(strange)!r} is not among the damaged videos")
    with _open(damage.path) as store:
        count = len(store.videos) - sum(path in gone for path in damage.paths)
        if count == 0:
            raise DamageError(f"no row of `{damage.path}` is left", hint=faults.REPAIR)
        known, lost = _statistics(store)
        write_store(
            damage.path,
            root=store.root,
            meta=store.meta,
            rows=_rows(store, damage, fresh, gone),
            count=count,
            failed=[*(v for v in store.failed if v.path not in gone), *failed],
            label_names=store.videos.label_names,
            augmentation=augmentation if lost else known,
            allow_nan=True,
        )


def _rows(
    store: ArrayStore, damage: DamageReport, fresh: Iterable[VideoFeatures], gone: set[bytes]
) -> Iterator[VideoFeatures]:
    """Yield the store's rows, or what takes their place."""
    bad, table, given = set(damage.rows), store.videos, iter(fresh)
    for is_bad, run in groupby(range(len(table)), bad.__contains__):
        rows = list(run)
        if not is_bad:
            yield from iter_rows(store, range(rows[0], rows[-1] + 1))
        for row in (row for row in rows if is_bad and table.paths[row] not in gone):
            video = next(given, None)
            if video is None or video.path != table.paths[row]:
                raise ValueError(f"{table.paths[row]!r} should be next, not {video!r}")
            yield replace(video, labels=table.names_of(row), split=Split(table.split[row]))
    if (extra := next(given, None)) is not None:
        raise ValueError(f"{extra!r} is not among the damaged videos")


def _statistics(store: ArrayStore) -> tuple[AugmentationStatistics | None, bool]:
    """Return the statistics, and whether they are lost."""
    try:
        return store.augmentation(), False
    except DamageError:
        return None, True


def _open(path: Path) -> ArrayStore:
    arrays = open_arrays(path, lenient=True)
    try:
        return array_store(path, arrays)
    except BaseException:
        arrays.close()
        raise
