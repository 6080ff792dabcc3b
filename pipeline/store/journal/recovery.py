"""Recover an unfinished output: load committed rows, import whole units, delete orphans."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from .. import atomic
from .database import JournalDatabase
from .shards import Shards
from .state import JournalState, source_files


def load(database: JournalDatabase, shards: Shards, state: JournalState) -> tuple[str, ...]:
    """Fill ``state`` with what was committed.

    Returns:
        The names of shard files that were missing or altered.
    """
    committed = database.shards()
    bad = [number for number, sha256 in committed.items() if not shards.whole(number, sha256)]
    for number in (number for number in committed if number not in set(bad)):
        state.load(number, source_files(shards.videos(number)))
    for video in database.failed():  # `add` clears a failure, so one that is left is later
        state.fail(video)
    return tuple(shards.path(number).name for number in bad)


def orphans(parts: Path, shards: Shards, committed: Iterable[int]) -> list[Path]:
    """Return the files that no commit ever named: units, and shards of a run that died before."""
    named = {shards.path(number).name for number in committed}
    return sorted(path for path in parts.glob("[!.]*.h5") if path.name not in named)


def cleanup(
    parts: Path,
    database: JournalDatabase,
    shards: Shards,
    state: JournalState,
    keep: Callable[[str], bool],
) -> None:
    """Remove all but the shards that count and what the caller keeps.

    Files go before the ledger forgets them: one it never named would be taken for a stray.
    """
    active = state.shards()
    named = {shards.path(number).name for number in active}
    for path in parts.iterdir():
        if path.name not in named and not keep(path.name):
            atomic.remove(path)
    database.drop([number for number in database.shards() if number not in active])
