"""A unit becomes a shard: what in it is news counts from one transaction on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .. import atomic
from ..iterate import iter_rows
from ..reader import ArrayStore
from .database import Ledger, Order
from .shards import Shards
from .state import Standing, dones


class Adopted(NamedTuple):
    """What of a unit was news.

    Attributes:
        done: Paths of the videos whose rows count from now on.
        failed: Paths of those that count as failed.
    """

    done: tuple[bytes, ...]
    failed: tuple[bytes, ...]


def adopt(
    unit: ArrayStore, order: Order, standing: Standing, shards: Shards, ledger: Ledger
) -> Adopted:
    """Commit what is news in a unit that was checked; its file is gone afterwards.

    Raises:
        OSError: If the disk does not take it; nothing is changed then.
        sqlite3.Error: As OSError.
    """
    known = list(dones(unit.videos))
    rows = [row for row, (path, done) in enumerate(known) if standing.wants(path, done)]
    news = [known[row] for row in rows]
    told = {path for path, _ in news}
    failed = [v for v in unit.failed if v.path not in told and standing.wants(v.path)]
    if rows:
        number = shards.number()
        sha256 = _make_shard(unit, rows, shards, number, order)
        ledger.add(number, sha256, [path for path, _ in news], failed)
        standing.load(number, news)
    elif failed:
        ledger.fail(failed)
    for video in failed:
        standing.fail(video)
    atomic.remove(unit.path)
    return Adopted(tuple(path for path, _ in news), tuple(video.path for video in failed))


def _make_shard(
    unit: ArrayStore, rows: Sequence[int], shards: Shards, number: int, order: Order
) -> str:
    """Rename a unit that is all news; copy the news of another one."""
    if len(rows) == len(unit.videos):
        return shards.take(number, unit.path)
    some = [next(iter(iter_rows(unit, range(row, row + 1)))) for row in rows]
    return shards.write(number, some, order)
