"""What a journal has taken survives any kill, and only one process writes an output."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chainpipe.pipeline.errors import DamageError, LockedError, StorageError, UsageError
from chainpipe.pipeline.records import FailedVideo, Status, VideoFeatures
from chainpipe.pipeline.store import (
    Journal,
    SourceFile,
    iter_rows,
    open_store,
    parts_of,
    write_store,
)
from tests.pipeline.store.journal.journal_writer import make_all
from tests.pipeline.store.store_samples import (
    META,
    ROOT,
    bare,
    make,
    open_journal,
    plain,
    video,
    videos,
)

REPOSITORY = Path(__file__).parents[4]
LATE = FailedVideo(b"late.mp4", Status.TIMEOUT, "no byte for 30 s", 3)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "feats.h5"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_done_and_failed_videos_are_there_after_opening_again(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(3))
        journal.add(videos(5)[3:])
        journal.fail(LATE)
    with open_journal(out) as journal:
        assert journal.failed() == (LATE,)
        assert list(journal.done()) == [row.path for row in videos(5)]
        assert journal.done()[video(4).path] == SourceFile(
            video(4).video_id, 1004, video(4).mtime_ns
        )
        assert repr(journal) == f"Journal({str(out)!r}, 5 done, 1 failed)"


def test_rows_come_in_the_order_asked_without_labels(out: Path) -> None:
    order = [4, 0, 1, 2, 19, 18, 5, 6, 7]
    with open_journal(out) as journal:
        for start in range(0, 20, 2):  # more shards than are held open
            journal.add(videos(20)[start : start + 2])
        found = list(journal.rows([video(number).path for number in order]))
        with pytest.raises(KeyError):
            journal.rows([b"unknown"])
        assert list(journal.rows([])) == []
    assert [plain(row) for row in found] == [plain(bare(video(number))) for number in order]


def test_a_video_that_is_done_again_has_its_new_row(out: Path) -> None:
    changed = replace(video(1), features=video(9).features, size=7)
    with open_journal(out) as journal:
        journal.add(videos(1))
        journal.add([video(1)])
        journal.add([changed])
    with open_journal(out) as journal:
        assert journal.done()[changed.path].size == 7
        assert [plain(row) for row in journal.rows([changed.path])] == [plain(bare(changed))]
        assert names(parts_of(out))[-2:] == ["shard-000001.h5", "shard-000003.h5"]
        journal.add([video(2)])
        assert len(journal.done()) == 3


def test_the_last_word_on_a_video_counts(out: Path) -> None:
    path = video(0).path
    with open_journal(out) as journal:
        journal.fail(replace(LATE, path=path))
        journal.add(videos(2))
        assert (path in journal.done(), journal.failed()) == (True, ())
    with open_journal(out) as journal:
        assert (path in journal.done(), journal.failed()) == (True, ())
        journal.fail(replace(LATE, path=path))
        assert (path in journal.done(), len(journal.failed())) == (False, 1)
    with open_journal(out) as journal:
        assert (path in journal.done(), len(journal.failed())) == (False, 1)


def test_finishing_removes_the_parts_and_the_lock(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(2))
        journal.finish()
    assert names(out.parent) == []


def test_a_journal_in_which_nothing_happened_leaves_nothing(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add([])
    assert names(out.parent) == []


def test_what_killed_writers_left_is_swept_away(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(2))
    kept = names(parts_of(out))
    for litter in ("shard-000009.h5", ".shard-000002.h5.1234abcd.tmp"):
        (parts_of(out) / litter).write_bytes(b"x")
    (out.parent / ".feats.h5.1234abcd.tmp").write_bytes(b"x")
    (out.parent / ".other.h5.1234abcd.tmp").write_bytes(b"x")
    with open_journal(out):
        pass
    assert names(parts_of(out)) == kept
    assert names(out.parent) == [".other.h5.1234abcd.tmp", "feats.h5.parts"]


@pytest.mark.parametrize("harm", ["gone", "flipped", "cut", "swapped"])
def test_videos_of_a_bad_shard_are_to_be_done_again(out: Path, harm: str) -> None:
    with open_journal(out) as journal:
        journal.add(videos(2))
        journal.add(videos(4)[2:])
    shard = parts_of(out) / "shard-000002.h5"
    data = shard.read_bytes()
    if harm == "gone":
        shard.unlink()
    elif harm == "swapped":
        shutil.copy(parts_of(out) / "shard-000001.h5", shard)
    else:
        at = len(data) // 2
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        shard.write_bytes(flipped if harm == "flipped" else data[:at])
    with open_journal(out) as journal:
        assert journal.dropped == ("shard-000002.h5",)
        assert list(journal.done()) == [video(0).path, video(1).path]
        journal.add(videos(4)[2:])
        order = [row.path for row in videos(4)]
        assert [row.path for row in journal.rows(order)] == order
    with open_journal(out) as journal:
        assert (journal.dropped, len(journal.done())) == ((), 4)


def test_other_settings_than_unfinished_work_are_refused_by_name(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(2))
    asked = replace(META, frames=12, dtype="float32")
    with pytest.raises(UsageError, match=r"`frames: 4 / 12`, `dtype: float16 / float32`") as caught:
        open_journal(out, asked)
    assert "--restart" in str(caught.value.hint)
    with open_journal(out) as journal:
        assert len(journal.done()) == 2


@pytest.mark.parametrize("suffix", [".h5", ".zarr"])
def test_other_settings_than_a_finished_store_are_refused_by_name(
    tmp_path: Path, suffix: str
) -> None:
    out = make(tmp_path / f"feats{suffix}", videos(2))
    other = replace(META, fingerprint=replace(META.fingerprint, backbone="clip:ViT-B-32/x"))
    with pytest.raises(UsageError, match="`backbone: cnn:tiny / clip:ViT-B-32/x`"):
        open_journal(out, other)
    with pytest.raises(UsageError, match=r"`videos: /videos/\\xff / /elsewhere`"):
        Journal.open(out, root=b"/elsewhere", meta=META)
    assert names(tmp_path) == [out.name]


def test_another_version_of_the_program_may_continue(out: Path) -> None:
    with open_journal(out, replace(META, chainpipe="0.0.9")) as journal:
        journal.add(videos(2))
    with open_journal(out) as journal:
        assert len(journal.done()) == 2


def test_restarting_forgets_unfinished_work_and_remembers_that_it_restarts(out: Path) -> None:
    make(out, videos(3))
    asked = replace(META, frames=2)
    with open_journal(out) as journal:
        assert not journal.restart
        journal.add(videos(2))
    with open_journal(out, asked, restart=True) as journal:
        assert (journal.done(), journal.restart) == ({}, True)
        journal.add(videos(1, asked))
    with open_journal(out, asked) as journal:  # a plain run continues the restart
        assert (len(journal.done()), journal.restart) == (1, True)
    with open_store(out) as store:
        assert len(store.videos) == 3


def test_restarting_is_the_way_out_of_a_damaged_output(out: Path) -> None:
    make(out, videos(3))
    out.write_bytes(out.read_bytes()[:-1])
    with pytest.raises(DamageError, match="cut or grown") as caught:
        open_journal(out)
    assert "--restart" in str(caught.value.hint)
    with open_journal(out, restart=True) as journal:
        assert journal.restart


@pytest.mark.parametrize("restart", [False, True])
def test_a_file_that_is_no_store_is_never_replaced(out: Path, restart: bool) -> None:
    out.write_text("my diary")
    with pytest.raises(UsageError, match=r"feats\.h5` exists and is not a feature store"):
        open_journal(out, restart=restart)
    assert names(out.parent) == ["feats.h5"]


def test_a_damaged_database_is_damage(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(2))
    (parts_of(out) / "journal.sqlite").write_bytes(b"no database" * 1000)
    (parts_of(out) / "journal.sqlite-wal").unlink(missing_ok=True)
    with pytest.raises(DamageError, match=r"the journal of .* is damaged") as caught:
        open_journal(out)
    assert "--restart" in str(caught.value.hint)
    with open_journal(out, restart=True) as journal:
        assert journal.done() == {}


def test_an_output_of_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no store format"):
        open_journal(tmp_path / "feats.npz")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot write `.*gone/feats\.h5`"):
        open_journal(tmp_path / "gone" / "feats.h5")


def test_videos_are_added_to_a_finished_store_by_copying_its_rows(out: Path) -> None:
    old = [bare(row) for row in videos(70)]
    write_store(out, root=ROOT, meta=META, rows=old, count=70)
    new = [bare(video(number)) for number in (70, 71)]
    with open_journal(out) as journal, open_store(out) as store:
        journal.add(new)

        def rows() -> Iterator[VideoFeatures]:
            yield from iter_rows(store)
            yield from journal.rows([row.path for row in new])

        write_store(out, root=ROOT, meta=META, rows=rows(), count=72)
        journal.finish()
    with open_store(out) as store:
        assert [plain(row) for row in iter_rows(store)] == [plain(row) for row in [*old, *new]]
    assert names(out.parent) == ["feats.h5"]


def test_a_second_writer_is_refused_with_pid_and_host(out: Path) -> None:
    with open_journal(out):
        holder = f"process {os.getpid()} on host {socket.gethostname()}"
        with pytest.raises(LockedError, match=holder):
            open_journal(out)
        with pytest.raises(LockedError):
            open_journal(out, restart=True)
    with open_journal(out):
        pass


def start(out: Path) -> subprocess.Popen[str]:
    """Start a writer and wait until it has loaded everything."""
    command = [sys.executable, "-m", "tests.pipeline.store.journal.journal_writer", str(out)]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_of_two_processes_one_writes_and_the_other_names_it(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(1))
        other = start(out)
        _, errors = other.communicate(timeout=60)
    assert other.returncode == 1
    assert f"LockedError: `{out}` is being written by process {os.getpid()}" in errors


def test_the_lock_of_a_killed_process_is_free_and_no_child_inherits_it(out: Path) -> None:
    """The holder starts a program and forks, then dies; both children live on."""
    script = (
        "import os, subprocess, sys, time; from pathlib import Path\n"
        "from tests.pipeline.store.store_samples import open_journal, videos\n"
        "journal = open_journal(Path(sys.argv[1])); journal.add(videos(1))\n"
        "child = subprocess.Popen(['sleep', '20'], close_fds=False)\n"
        "ready, tell = os.pipe(); fork = os.fork()\n"
        "if fork == 0: os.write(tell, b'x'); time.sleep(20); os._exit(0)\n"
        "os.read(ready, 1)  # the fork runs, and has closed what it must\n"
        "print(child.pid, fork, flush=True); time.sleep(20)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(out)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    children = [int(pid) for pid in holder.stdout.readline().split()]
    try:
        with pytest.raises(LockedError, match=f"process {holder.pid} "):
            open_journal(out)
        holder.kill()
        holder.wait()
        with open_journal(out) as journal:
            assert len(journal.done()) == 1
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        holder.stdout.close()


def kill_until_done(out: Path, choice: random.Random, longest: float) -> tuple[int, int]:
    """Kill writers at random moments until one gets through; count kills, and those midway."""
    kills = midway = 0
    while not (out.exists() and not parts_of(out).exists()):
        process = start(out)
        time.sleep(choice.uniform(0, longest))
        process.send_signal(signal.SIGKILL)
        text, errors = process.communicate()
        assert not errors
        kills += "done" not in text
        midway += "done" not in text and parts_of(out).exists()
    return kills, midway


def kill_often(folder: Path, enough: int, seed: int) -> int:
    """Kill writers until there are enough kills; each output must be as if there were none."""
    choice = random.Random(seed)
    began = time.perf_counter()
    make_all(folder / "good.h5")
    longest = 1.5 * (time.perf_counter() - began)
    kills = midway = 0
    while kills < enough:
        out = folder / "run" / "feats.h5"
        out.parent.mkdir()
        more = kill_until_done(out, choice, longest)
        kills, midway = kills + more[0], midway + more[1]
        assert out.read_bytes() == (folder / "good.h5").read_bytes()
        assert names(out.parent) == ["feats.h5"]
        shutil.rmtree(out.parent)
    return midway


def test_killed_writers_lose_nothing(tmp_path: Path) -> None:
    assert kill_often(tmp_path, 8, seed=3) >= 1


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_two_hundred_killed_writers_lose_nothing(tmp_path: Path) -> None:
    assert kill_often(tmp_path, 200, seed=4) >= 100
