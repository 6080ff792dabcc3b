"""No flipped bit in an unfinished output is silent: it is named, or what it hits is done again."""

from __future__ import annotations

import random
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from chainpipe.pipeline.errors import DamageError, StorageError
from chainpipe.pipeline.records import FailedVideo, Status
from chainpipe.pipeline.store import Journal, parts_of
from tests.pipeline.store.store_samples import (
    FAILED,
    META,
    bare,
    open_journal,
    plain,
    video,
    videos,
)

DATABASE = "journal.sqlite"


def unfinished(out: Path) -> tuple[object, ...]:
    """Make an unfinished output; return what it says."""
    with open_journal(out) as journal:
        for start in range(0, 12, 3):
            journal.add(videos(12)[start : start + 3])
        for number in range(20):
            path = b"lost%d" % number
            journal.fail(replace(FAILED[0], path=path, stderr=f"{number}" * 300))
        return said(journal)


def said(journal: Journal) -> tuple[object, ...]:
    rows = [plain(row) for row in journal.rows(list(journal.done()))]
    return journal.spec, journal.restart, journal.failed(), rows


def flip_database(out: Path, count: int, seed: int) -> tuple[int, int]:
    """Flip bits of the database; count the flips that were named, and those that hit nothing."""
    choice = random.Random(seed)
    truth = unfinished(out)
    good = (parts_of(out) / DATABASE).read_bytes()
    shards = {path.name: path.read_bytes() for path in parts_of(out).glob("*.h5")}
    named = harmless = 0
    for _ in range(count):
        at, bit = choice.randrange(len(good)), choice.randrange(8)
        for path in parts_of(out).glob(f"{DATABASE}-*"):
            path.unlink()
        flipped = good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :]
        (parts_of(out) / DATABASE).write_bytes(flipped)
        for name, data in shards.items():
            (parts_of(out) / name).write_bytes(data)
        try:
            with open_journal(out) as journal:
                assert said(journal) == truth, f"byte {at} bit {bit}"
                assert journal.dropped == ()
            harmless += 1
        except (DamageError, StorageError):
            named += 1
    return named, harmless


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE shards SET sha256 = replace(sha256, 'a', 'b')",
        "UPDATE shards SET number = 9 WHERE number = 4",
        "DELETE FROM shards WHERE number = 2",
        "UPDATE failed SET attempts = 3 WHERE path = x'6c6f737433'",
        "UPDATE failed SET stderr = x'00'",
        "DELETE FROM failed WHERE path = x'6c6f737433'",
        "UPDATE facts SET value = '1' WHERE name = 'anew'",
        "UPDATE facts SET name = 'kez' WHERE name = 'key'",
        "UPDATE seal SET value = x'00'",
        "ALTER TABLE shards RENAME TO shbrds",
        "ALTER TABLE failed RENAME COLUMN status TO statvs",
    ],
)
def test_a_row_that_the_journal_did_not_write_is_damage(tmp_path: Path, change: str) -> None:
    out = tmp_path / "feats.h5"
    unfinished(out)
    base = sqlite3.connect(parts_of(out) / DATABASE)
    with base:
        assert base.execute(change).rowcount != 0
    base.close()
    with pytest.raises(DamageError, match=r"the journal of .* is damaged") as caught:
        open_journal(out)
    assert "--restart" in str(caught.value.hint)


def flip_shards(out: Path, count: int, seed: int) -> None:
    """Flip a bit of a shard, open the journal, and do again what it dropped."""
    choice = random.Random(seed)
    truth = unfinished(out)[-1]
    whole = out.with_name("whole")
    shutil.copytree(parts_of(out), whole)
    for _ in range(count):
        shutil.rmtree(parts_of(out))
        shutil.copytree(whole, parts_of(out))
        path = choice.choice(sorted(parts_of(out).glob("shard-*.h5")))
        data = path.read_bytes()
        at = choice.randrange(len(data))
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << choice.randrange(8)]) + data[at + 1 :])
        with open_journal(out) as journal:
            assert journal.dropped == (path.name,)
            missing = [row for row in videos(12) if row.path not in journal.done()]
            assert len(missing) == 3
            journal.add(missing)
            rows = [plain(row) for row in journal.rows([row.path for row in videos(12)])]
            assert rows == truth


def test_a_failure_keeps_the_reader_s_words(tmp_path: Path) -> None:
    out = tmp_path / "feats.h5"
    words = FailedVideo(b"x", Status.CRASHED, "why", 4, "ffmpeg -i \udcfe", "line\nline \udcff")
    with open_journal(out) as journal:
        journal.add([video(0)])
        journal.fail(words)
        journal.fail(replace(words, attempts=5))
    with open_journal(out) as journal:
        assert journal.failed() == (replace(words, attempts=5),)
        assert [plain(row) for row in journal.rows([video(0).path])] == [plain(bare(video(0)))]
        assert journal.spec.meta == META
