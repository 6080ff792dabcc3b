"""What earlier runs left of an unfinished output: load what counts, adopt what is whole, sweep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from .. import atomic
from .database import Ledger
from .shards import Shards
from .state import Standing, dones


def load(ledger: Ledger, shards: Shards, standing: Standing) -> tuple[str, ...]:
    """Fill ``standing`` with what was committed.

    Returns:
        The names of shard files that were missing or altered.
    """
    committed = ledger.shards()
    bad = [number for number, sha256 in committed.items() if not shards.whole(number, sha256)]
    for number in (number for number in committed if number not in set(bad)):
        standing.load(number, dones(shards.videos(number)))
    for video in ledger.failed():  # `add` clears a failure, so one that is left is later
        standing.fail(video)
    return tuple(shards.path(number).name for number in bad)


def strays(parts: Path, shards: Shards, committed: Iterable[int]) -> list[Path]:
    """Return the files that no commit ever named: units, and shards of a run that died before."""
    named = {shards.path(number).name for number in committed}
    return sorted(path for path in parts.glob("[!.]*.h5") if path.name not in named)


def sweep(
    parts: Path, ledger: Ledger, shards: Shards, standing: Standing, keep: Callable[[str], bool]
) -> None:
    """Remove all but the shards that count and what the caller keeps.

    Files go before the ledger forgets them: one it never named would be taken for a stray.
    """
    live = standing.shards()
    named = {shards.path(number).name for number in live}
    for path in parts.iterdir():
        if path.name not in named and not keep(path.name):
            atomic.remove(path)
    ledger.drop([number for number in ledger.shards() if number not in live])
