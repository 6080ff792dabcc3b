"""Import a work unit as a shard, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .. import atomic
from ..iterate import iter_rows
from ..reader import ArrayStore
from .database import JournalDatabase, JournalSpec
from .shards import Shards
from .state import JournalState, source_files


class ImportedUnit(NamedTuple):
    """Results of a unit that changed the state.

    Attributes:
        done: Paths of the videos whose rows count from now on.
        failed: Paths of those that count as failed.
    """

    done: tuple[bytes, ...]
    failed: tuple[bytes, ...]


def import_unit(
    unit: ArrayStore,
    spec: JournalSpec,
    state: JournalState,
    shards: Shards,
    database: JournalDatabase,
) -> ImportedUnit:
    """Commit the new results of a checked unit; its file is moved or deleted.

    Raises:
        OSError: If the disk does not take it; nothing is changed then.
        sqlite3.Error: As OSError.
    """
    unit_rows = list(source_files(unit.videos))
    rows = [row for row, (path, done) in enumerate(unit_rows) if state.is_update(path, done)]
    updates = [unit_rows[row] for row in rows]
    updated_paths = {path for path, _ in updates}
    failed = [v for v in unit.failed if v.path not in updated_paths and state.is_update(v.path)]
    if rows:
        number = shards.number()
        sha256 = _make_shard(unit, rows, shards, number, spec)
        database.add(number, sha256, [path for path, _ in updates], failed)
        state.load(number, updates)
    elif failed:
        database.fail(failed)
    for video in failed:
        state.fail(video)
    atomic.remove(unit.path)
    return ImportedUnit(tuple(path for path, _ in updates), tuple(video.path for video in failed))


def _make_shard(
    unit: ArrayStore, rows: Sequence[int], shards: Shards, number: int, spec: JournalSpec
) -> str:
    """Rename a unit whose rows are all updates; copy the updates of any other."""
    if len(rows) == len(unit.videos):
        return shards.take(number, unit.path)
    new_rows = [next(iter(iter_rows(unit, range(row, row + 1)))) for row in rows]
    return shards.write(number, new_rows, spec)
