"""Processes that make a small store through the journal and its units, to be killed by tests."""

from __future__ import annotations

import sys
from pathlib import Path

from chainpipe.pipeline.records import Status
from chainpipe.pipeline.store import JournalSpec, parts_of, write_store, write_unit
from tests.pipeline.store.store_samples import FAILED, META, ROOT, bare, open_journal, videos

SHARD = 2


def make_all(out: Path, count: int = 24) -> None:
    """Do what is not done yet, every second shard as a unit; assemble, remove the parts."""
    rows = [bare(row) for row in videos(count)]
    with open_journal(out) as journal:
        todo = [row for row in rows if row.path not in journal.done()]
        journal.fail(FAILED[0])
        for start in range(0, len(todo), SHARD):
            shard = todo[start : start + SHARD]
            if start // SHARD % 2:
                unit = write_unit(parts_of(out), f"{start}", shard, FAILED, journal.spec)
                journal.import_unit(*unit)
            else:
                journal.add(shard)
        ordered = journal.rows([row.path for row in rows])
        write_store(out, root=ROOT, meta=META, rows=ordered, count=count, failed=journal.failed())
        journal.finish()


def write_units(out: Path, key: str, count: int) -> None:
    """Write one video after another as a unit, as a machine elsewhere would; say each name."""
    spec = JournalSpec(ROOT, META, restart=False, key=key)
    for row in videos(count):
        unit = write_unit(parts_of(out), f"{row.size}", [row], [], spec)
        print(unit.path.name, flush=True)


if __name__ == "__main__":
    assert FAILED[0].status is Status.CORRUPT
    print("ready", flush=True)
    if len(sys.argv) > 2:
        write_units(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    else:
        make_all(Path(sys.argv[1]))
    print("done", flush=True)
