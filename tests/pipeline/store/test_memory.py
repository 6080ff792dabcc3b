"""Memory does not grow with the number of videos: features are never held, only their table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]

SCRIPT = """
import resource, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from chainpipe.pipeline.records import Fingerprint
from chainpipe.pipeline.store import Journal, iter_rows, open_store, write_store
from tests.pipeline.store.store_samples import META, ROOT, bare, video
out, count, what = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
wide = replace(META, fingerprint=replace(META.fingerprint, dim=1280), frames=25)
one = bare(video(0, wide))
def rows(start, stop):
    for number in range(start, stop):
        yield replace(one, path=b"%07d" % number)
if what == "write":
    write_store(out, root=ROOT, meta=wide, rows=rows(0, count), count=count)
elif what == "read":
    with open_store(out) as store:
        for row in iter_rows(store):
            pass
else:
    with Journal.open(out, root=ROOT, meta=wide) as journal:
        for start in range(0, count, 64):
            journal.add(list(rows(start, min(start + 64, count))))
        paths = [b"%07d" % number for number in range(count)]
        write_store(out, root=ROOT, meta=wide, rows=journal.rows(paths), count=count)
        journal.finish()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak(out: Path, count: int, what: str) -> int:
    """Return the most memory that a process held, MiB."""
    command = [sys.executable, "-c", SCRIPT, str(out), str(count), what]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return int(done.stdout)


def growth(folder: Path, suffix: str, count: int) -> dict[str, list[int]]:
    """Return the peaks of writing, reading and journalling ``count`` and 10 times as many."""
    found: dict[str, list[int]] = {}
    for what in ("write", "read", "journal"):
        for number in (count, 10 * count):
            out = folder / f"{'j' * (what == 'journal')}{number}{suffix}"
            found.setdefault(what, []).append(peak(out, number, what))
    return found


@pytest.mark.parametrize("suffix", [".h5", ".zarr"])
def test_two_thousand_videos_need_little_more_memory_than_two_hundred(
    tmp_path: Path, suffix: str
) -> None:
    """Their features are 128 MB; what may grow is the table, about 1 kB a video."""
    few, many = (peak(tmp_path / f"{n}{suffix}", n, "write") for n in (200, 2000))
    assert many - few < 30


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("suffix", [".h5", ".zarr"])
def test_ten_thousand_videos_need_little_more_memory_than_a_thousand(
    tmp_path: Path, suffix: str
) -> None:
    for few, many in growth(tmp_path, suffix, 1000).values():
        assert many - few < 60
