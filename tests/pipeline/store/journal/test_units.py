"""What machines bring back counts once, whoever dies, and never changes what is committed."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainpipe.pipeline.errors import DamageError, StorageError, UsageError
from chainpipe.pipeline.records import FailedVideo, Status
from chainpipe.pipeline.store import Journal, UnitFile, parts_of, write_unit
from tests.pipeline.store.store_samples import (
    FAILED,
    META,
    RICH,
    ROOT,
    bare,
    open_journal,
    plain,
    video,
    videos,
)

REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "feats.h5"


def unit_of(journal: Journal, numbers: list[int], failed: list[FailedVideo] = []) -> UnitFile:  # noqa: B006
    """Write a unit of some videos."""
    rows = [video(number, journal.spec.meta) for number in numbers]
    return write_unit(parts_of(journal.out), "0-9", rows, failed, journal.spec)


def files(out: Path) -> dict[str, bytes]:
    """Return the shards and units that are there."""
    return {path.name: path.read_bytes() for path in parts_of(out).glob("*.h5")}


@pytest.mark.parametrize("meta", [META, RICH])
def test_a_unit_gives_its_rows_and_failures(out: Path, meta: object) -> None:
    with Journal.open(out, root=ROOT, meta=meta) as journal:  # type: ignore[arg-type]
        unit = unit_of(journal, [0, 1, 2], [*FAILED])
        before = unit.path.read_bytes()
        paths = tuple(video(number).path for number in range(3))
        assert journal.import_unit(*unit) == (paths, (FAILED[0].path,))
        assert files(out) == {"shard-000001.h5": before}
    with Journal.open(out, root=ROOT, meta=meta) as journal:  # type: ignore[arg-type]
        assert journal.failed() == FAILED
        wanted = [plain(bare(video(number, journal.spec.meta))) for number in range(3)]
        assert [plain(row) for row in journal.rows(paths)] == wanted


def test_a_unit_may_hold_nothing_but_failures(out: Path) -> None:
    with open_journal(out) as journal:
        assert journal.import_unit(*unit_of(journal, [], [*FAILED])) == ((), (FAILED[0].path,))
        assert files(out) == {}
        assert journal.import_unit(*unit_of(journal, [])) == ((), ())
    with open_journal(out) as journal:
        assert (journal.done(), journal.failed()) == ({}, FAILED)


def test_the_second_of_two_attempts_adds_nothing(out: Path) -> None:
    with open_journal(out) as journal:
        first, second = unit_of(journal, [0, 1]), unit_of(journal, [0, 1])
        assert first.path != second.path
        assert len(journal.import_unit(*first).done) == 2
        shard = files(out)["shard-000001.h5"]
        late = replace(FAILED[0], path=video(1).path)
        assert journal.import_unit(*second) == ((), ())
        assert journal.import_unit(*unit_of(journal, [], [late])) == ((), ())
        assert files(out) == {"shard-000001.h5": shard}


def test_of_a_unit_only_the_news_is_copied(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(2))
        assert journal.import_unit(*unit_of(journal, [1, 2, 3])).done == (
            video(2).path,
            video(3).path,
        )
        assert sorted(files(out)) == ["shard-000001.h5", "shard-000002.h5"]
        order = [video(number).path for number in (3, 2, 1, 0)]
        wanted = [plain(bare(video(number))) for number in (3, 2, 1, 0)]
        assert [plain(row) for row in journal.rows(order)] == wanted


def test_a_video_that_is_read_anew_takes_the_first_word_that_comes(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(2))
        journal.await_updates([video(0).path, video(1).path, b"never done"])
        failure = replace(FAILED[0], path=video(0).path)
        assert journal.import_unit(*unit_of(journal, [1], [failure])) == (
            (video(1).path,),
            (video(0).path,),
        )
        assert journal.import_unit(*unit_of(journal, [1])) == ((), ())
        assert journal.failed() == (failure,)


def test_the_row_of_a_file_that_changed_takes_the_place_of_the_old_one(out: Path) -> None:
    changed = replace(video(0), size=7)
    with open_journal(out) as journal:
        journal.add(videos(1))
        unit = write_unit(parts_of(out), "0", [changed], [], journal.spec)
        assert journal.import_unit(*unit).done == (changed.path,)
        assert journal.done()[changed.path].size == 7


def test_units_that_a_dead_coordinator_had_not_taken_are_not_lost(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(1))
        unit_of(journal, [0, 1], [*FAILED])
        unit_of(journal, [1, 2])
    with open_journal(out) as journal:
        assert len(journal.done()) == 3
        assert journal.failed() == FAILED
        assert len(files(out)) in (2, 3)  # the unit that comes second may hold no news
        assert all(name.startswith("shard-") for name in files(out))


def test_units_are_kept_also_where_nothing_is_done_yet(out: Path) -> None:
    with open_journal(out) as journal:
        unit_of(journal, [0, 1])
    with open_journal(out) as journal:
        assert len(journal.done()) == 2


def test_a_shard_whose_commit_never_came_is_not_lost(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(1))
        unit = unit_of(journal, [1, 2])
    unit.path.rename(parts_of(out) / "shard-000007.h5")
    with open_journal(out) as journal:
        assert len(journal.done()) == 3
        assert sorted(files(out)) == ["shard-000001.h5", "shard-000008.h5"]


@pytest.mark.parametrize("harm", ["flipped", "cut", "unsealed", "gone", "other"])
def test_a_unit_that_is_not_whole_is_refused_and_swept(out: Path, harm: str) -> None:
    with open_journal(out) as journal:
        journal.add(videos(1))
        unit = unit_of(journal, [1])
        data = unit.path.read_bytes()
        middle = len(data) // 2
        harmed = {
            "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "cut": data[:middle],
            "unsealed": bytes(512) + data[512:],
            "other": data,
        }
        unit.path.unlink() if harm == "gone" else unit.path.write_bytes(harmed[harm])
        with pytest.raises(DamageError, match=r"unit-0-9\..*\.h5"):
            journal.import_unit(unit.path, "0" * 64 if harm == "other" else unit.sha256)
        assert list(journal.done()) == [video(0).path]
    with open_journal(out) as journal:
        assert len(journal.done()) == (2 if harm == "other" else 1)
        assert len(files(out)) == len(journal.done())


def test_a_unit_of_another_run_is_refused_and_swept(out: Path, tmp_path: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(1))
        other = replace(journal.spec, meta=replace(META, frames=5))
        cases = [
            (replace(journal.spec, key="0" * 32), video(1), "the journal it was made for"),
            (other, video(1, other.meta), "frames: 4 / 5"),
        ]
        for order, row, words in cases:
            unit = write_unit(parts_of(out), "x", [row], [], order)
            with pytest.raises(UsageError, match=words):
                journal.import_unit(*unit)
    with open_journal(out) as journal:
        assert (len(journal.done()), len(files(out))) == (1, 1)


def test_what_was_made_before_a_restart_does_not_come_back(out: Path) -> None:
    with open_journal(out) as journal:
        zombie = journal.spec
        unit_of(journal, [0])
    with open_journal(out, restart=True) as journal:
        assert journal.done() == {}
        late = write_unit(parts_of(out), "late", [video(1)], [], zombie)
        with pytest.raises(UsageError, match="another run"):
            journal.import_unit(*late)
        journal.add([video(2)])
    with open_journal(out) as journal:
        assert list(journal.done()) == [video(2).path]


def test_a_worker_that_outlives_the_run_makes_no_folder_and_hurts_nothing(out: Path) -> None:
    with open_journal(out) as journal:
        journal.add(videos(1))
        order = journal.spec
        journal.finish()
    with pytest.raises(StorageError, match=r"cannot write .*unit-late"):
        write_unit(parts_of(out), "late", [video(1)], [], order)
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../x", "a.b", ".hidden", "a/b", "x" * 101])
def test_a_name_that_is_none_is_refused(out: Path, name: str) -> None:
    with open_journal(out) as journal, pytest.raises(ValueError, match="no name for a unit"):
        write_unit(parts_of(out), name, [video(0)], [], journal.spec)


def test_features_that_are_not_finite_are_refused_by_journal_and_units(out: Path) -> None:
    bad = video(0)
    bad.features[0, 0] = np.inf
    with open_journal(out) as journal:
        with pytest.raises(ValueError, match=r"0000\.mp4.* 1 of 24 numbers of `feats`"):
            journal.add([bad])
        with pytest.raises(ValueError, match=r"0000\.mp4.* 1 of 24 numbers of `feats`"):
            write_unit(parts_of(out), "x", [bad], [], journal.spec)
    assert list(out.parent.iterdir()) == []


step = st.tuples(
    st.sampled_from(["add", "fail", "unit", "adopt", "adopt twice", "renew", "reopen"]),
    st.lists(st.integers(0, 5), max_size=3, unique=True),
    st.integers(0, 5),
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(step, min_size=1, max_size=10))
def test_any_history_ends_as_a_plain_model_says(
    tmp_path: Path, steps: list[tuple[str, list[int], int]]
) -> None:
    """The model: a set of done videos, a set of failed ones, and units on their way."""
    out = tmp_path / "feats.h5"
    shutil.rmtree(parts_of(out), ignore_errors=True)
    done: set[int] = set()
    failed: set[int] = set()
    renewed: set[int] = set()
    waiting: list[tuple[UnitFile, list[int], int]] = []

    def take(rows: list[int], failure: int) -> None:
        news = {row for row in rows if row not in done or row in renewed}
        lost = {failure} - set(news) if failure not in done or failure in renewed else set()
        done.update(news)
        failed.difference_update(news)
        done.difference_update(lost)
        failed.update(lost)
        renewed.difference_update(news | lost)

    def failure_of(number: int) -> FailedVideo:
        return FailedVideo(video(number).path, Status.TIMEOUT, "late")

    journal = open_journal(out)
    try:
        for action, numbers, other in steps:
            if action == "add" and numbers:
                journal.add([video(number) for number in numbers])
                done |= set(numbers)
                failed -= set(numbers)
                renewed -= set(numbers)
            elif action == "fail":
                journal.fail(failure_of(other))
                failed.add(other)
                done.discard(other)
                renewed.discard(other)
            elif action == "unit":
                unit = unit_of(journal, numbers, [failure_of(other)])
                waiting.append((unit, numbers, other))
            elif action.startswith("adopt") and waiting:
                unit, rows, failure = waiting.pop(other % len(waiting))
                copy = unit.path.with_name("unit-copy.h5")
                shutil.copy(unit.path, copy)
                journal.import_unit(*unit)
                take(rows, failure)
                if action == "adopt twice":
                    assert journal.import_unit(copy).done == ()
                    take([], failure)
                copy.unlink(missing_ok=True)
            elif action == "renew":
                journal.await_updates([video(number).path for number in numbers])
                renewed |= set(numbers) & done
            elif action == "reopen":
                journal.close()
                journal = open_journal(out)
                renewed.clear()
                for _, rows, failure in sorted(waiting, key=lambda unit: unit[0].path):
                    take(rows, failure)
                waiting.clear()
            assert set(journal.done()) == {video(number).path for number in done}
            assert {v.path for v in journal.failed()} == {video(n).path for n in failed}
        rows = journal.rows(sorted(journal.done()))
        wanted = sorted((video(number) for number in done), key=lambda v: v.path)
        assert [plain(row) for row in rows] == [plain(bare(row)) for row in wanted]
    finally:
        journal.close()


def start_worker(out: Path, key: str, count: int) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "tests.pipeline.store.journal.journal_writer",
        str(out),
        key,
        str(count),
    ]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def kill_workers(folder: Path, rounds: int, seed: int) -> int:
    """Kill pairs of workers on the same range; count the units they said they had written."""
    choice = random.Random(seed)
    said = 0
    for number in range(rounds):
        out = folder / str(number) / "feats.h5"
        out.parent.mkdir()
        with open_journal(out) as journal:
            journal.fail(replace(FAILED[0], path=video(0).path))
            key = journal.spec.key
            workers = [start_worker(out, key, 12) for _ in range(2)]
            for worker in workers:
                assert worker.stdout is not None
                assert worker.stdout.readline() == "ready\n"
            assert workers[0].stdout is not None
            first = workers[0].stdout.readline()
            time.sleep(choice.uniform(0, 0.05))
            for worker in workers:
                worker.send_signal(signal.SIGKILL)
            told = [worker.communicate()[0].split() for worker in workers]
        told[0].append(first.strip())
        least = max(len([name for name in names if name != "done"]) for names in told)
        with open_journal(out) as journal:
            done = list(journal.done())
            assert least <= len(done) <= 12
            assert sorted(done) == [video(n).path for n in range(len(done))]
            rows = [plain(row) for row in journal.rows(sorted(done))]
            assert rows == [plain(bare(video(n))) for n in range(len(done))]
            assert len(files(out)) == len(done)
        said += least
    return said


def test_killed_workers_lose_and_double_nothing(tmp_path: Path) -> None:
    assert kill_workers(tmp_path, 2, seed=1) >= 2


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_hundred_killed_workers_lose_and_double_nothing(tmp_path: Path) -> None:
    assert kill_workers(tmp_path, 50, seed=2) > 50
