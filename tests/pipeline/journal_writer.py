"""A process that makes a small store through the journal, to be killed by the tests."""

from __future__ import annotations

import sys
from pathlib import Path

from pipeline.records import Status
from pipeline.store import write_store
from tests.pipeline.store_samples import FAILED, META, ROOT, bare, open_journal, videos

SHARD = 2


def make_all(out: Path, count: int = 24) -> None:
    """Do what is not done yet, assemble the output and remove the parts."""
    rows = [bare(row) for row in videos(count)]
    with open_journal(out) as journal:
        todo = [row for row in rows if row.path not in journal.done()]
        for failed in FAILED:
            journal.fail(failed)
        for start in range(0, len(todo), SHARD):
            journal.add(todo[start : start + SHARD])
        ordered = journal.rows([row.path for row in rows])
        write_store(out, root=ROOT, meta=META, rows=ordered, count=count, failed=journal.failed())
        journal.finish()


if __name__ == "__main__":
    assert FAILED[0].status is Status.CORRUPT
    print("ready", flush=True)
    make_all(Path(sys.argv[1]))
    print("done", flush=True)
