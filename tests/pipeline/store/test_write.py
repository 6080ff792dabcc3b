"""A write that fails says where and why, leaves nothing behind, and does not hurt the old store."""

from __future__ import annotations

import errno
import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import zarr.storage._local as zarr_files

from chainpipe.pipeline.errors import StorageError
from chainpipe.pipeline.store import (
    atomic,
    find_damage,
    locked_for_repair,
    open_store,
    parts_of,
    rewrite_store,
)
from tests.pipeline.store.journal.journal_writer import make_all
from tests.pipeline.store.store_samples import RICH, alter, everything, make, tree, video, videos

BOTH = pytest.mark.parametrize("suffix", [".h5", ".zarr"])
REPOSITORY = Path(__file__).parents[3]


class Saboteur:
    """Lets the n-th write, flush, rename or commit fail as a full or a broken disk does."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, fail_at: int, number: int = errno.ENOSPC
    ) -> None:
        self.calls, self.fail_at, self.number = 0, fail_at, number
        for name in ("pwrite", "ftruncate", "fsync", "replace"):
            monkeypatch.setattr(os, name, self.guard(getattr(os, name)))
        monkeypatch.setattr(zarr_files, "_put", self.guard(zarr_files._put))
        connect = functools.partial(sqlite3.connect, factory=self.connection())
        monkeypatch.setattr(sqlite3, "connect", connect)

    def guard(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            if self.is_due():
                raise OSError(self.number, os.strerror(self.number))
            return call(*arguments, **named)

        return guarded

    def connection(self) -> type[sqlite3.Connection]:
        """Return connections whose commits take part; what was begun is truly rolled back."""
        saboteur = self

        class Connection(sqlite3.Connection):
            def commit(self) -> None:
                if saboteur.is_due():
                    full = saboteur.number == errno.ENOSPC
                    error = sqlite3.OperationalError("disk is full" if full else "disk I/O error")
                    code = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_IOERR
                    error.sqlite_errorcode = code
                    raise error
                super().commit()

        return Connection

    def is_due(self) -> bool:
        self.calls += 1
        return self.calls == self.fail_at


def fail_everywhere(tmp_path: Path, step: int) -> int:
    """Make a store with every ``step``-th operation failing once; count the failures."""
    make_all(tmp_path / "good.h5", 6)
    good = (tmp_path / "good.h5").read_bytes()
    for number in range(1, 10_000, step):
        folder = tmp_path / str(number)
        folder.mkdir()
        out = folder / "feats.h5"
        with pytest.MonkeyPatch.context() as patch:
            saboteur = Saboteur(patch, number, (errno.ENOSPC, errno.EIO)[number % 2])
            with suppress(StorageError):
                make_all(out, 6)
        make_all(out, 6)
        assert tree(folder) == {"feats.h5": good}
        if saboteur.calls < number:
            return number // step
    raise AssertionError("there was no end to it")


def test_after_a_failure_at_any_moment_the_next_run_makes_the_same_bytes(tmp_path: Path) -> None:
    assert fail_everywhere(tmp_path, step=41) > 5


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_after_a_failure_at_every_moment_the_next_run_makes_the_same_bytes(tmp_path: Path) -> None:
    assert fail_everywhere(tmp_path, step=1) > 200


def mend_everywhere(tmp_path: Path, suffix: str, step: int) -> int:
    """Mend a store with every ``step``-th operation failing once; count the failures."""
    good = tree(make(tmp_path / "good" / f"feats{suffix}", videos(5, RICH), RICH).parent)
    for number in range(1, 10_000, step):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "good", folder)
        path = folder / f"feats{suffix}"
        alter(path, video(3, RICH).features)
        harmed = tree(folder)
        damage = find_damage(path)
        assert damage is not None
        with pytest.MonkeyPatch.context() as patch:
            saboteur = Saboteur(patch, number, (errno.ENOSPC, errno.EIO)[number % 2])
            with suppress(StorageError):
                rewrite_store(damage, fresh=[video(3, RICH)])
        assert tree(folder) in (harmed, good)
        with locked_for_repair(path):
            rewrite_store(damage, fresh=[video(3, RICH)])
        assert tree(folder) == good
        if saboteur.calls < number:
            return number // step
    raise AssertionError("there was no end to it")


@pytest.mark.parametrize(("suffix", "step"), [(".h5", 23), (".zarr", 97)])
def test_a_repair_that_fails_changes_nothing(tmp_path: Path, suffix: str, step: int) -> None:
    (tmp_path / "good").mkdir()
    assert mend_everywhere(tmp_path, suffix, step) > 2


@BOTH
@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_repair_that_fails_anywhere_changes_nothing(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "good").mkdir()
    assert mend_everywhere(tmp_path, suffix, 1) > 50


@BOTH
def test_a_failed_write_leaves_the_old_store_and_nothing_else(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = make(tmp_path / f"feats{suffix}", videos(3))
    before = tree(tmp_path)
    with monkeypatch.context() as patch:
        Saboteur(patch, fail_at=2)
        with pytest.raises(StorageError, match=r"no space left to write `.*feats") as caught:
            make(out, videos(9))
    assert "make room" in str(caught.value.hint)
    assert tree(tmp_path) == before


def test_what_a_failed_writer_s_threads_still_write_goes_too(tmp_path: Path) -> None:
    def go_on(folder: Path) -> None:
        for number in range(20):
            with suppress(FileNotFoundError):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / str(number)).touch()
            time.sleep(0.01)

    def fail() -> None:
        with atomic.atomic_replace(tmp_path / "feats.zarr") as temporary:
            late.append(threading.Thread(target=go_on, args=(temporary / "inner",)))
            late[0].start()
            raise OSError(errno.ENOSPC, "full")

    late: list[threading.Thread] = []
    with pytest.raises(OSError, match="full"):
        fail()
    late[0].join()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".h5", ".zarr"])
def test_a_folder_that_does_not_exist_is_named(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / "nowhere" / f"feats{suffix}"
    with pytest.raises(StorageError, match=f"cannot write `{out}`: No such file or directory"):
        make(out, videos(1))


def run(script: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, in the repository."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)


SMALL_FILES_ONLY = """
import resource, sys
from pathlib import Path
from dataclasses import replace
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
from chainpipe.pipeline.errors import StorageError
from chainpipe.pipeline.records import Fingerprint
from tests.pipeline.store.store_samples import META, make, videos
wide = replace(META, fingerprint=replace(META.fingerprint, dim=512))
try:
    make(Path(sys.argv[1]), videos(100, wide), wide)
except StorageError as error:
    print(error, error.hint)
"""


@BOTH
def test_a_file_that_may_not_grow_ends_in_an_error_not_in_a_crash(
    tmp_path: Path, suffix: str
) -> None:
    done = run(SMALL_FILES_ONLY, tmp_path / f"feats{suffix}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no space left to write" in done.stdout
    assert list(tmp_path.iterdir()) == []


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk of 700 kB, or skip the test."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True).returncode == 0
    except FileNotFoundError:
        done = False
    if not done:
        pytest.skip("may not mount a small disk here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


FILL = """
import sys
from pathlib import Path
from chainpipe.pipeline.errors import StorageError
from tests.pipeline.store.journal.journal_writer import make_all
try:
    make_all(Path(sys.argv[1]))
except StorageError as error:
    print(error)
"""


def test_on_a_full_disk_what_is_done_is_kept_and_continued(tmp_path: Path) -> None:
    make_all(tmp_path / "good.h5")
    with small_disk(tmp_path / "disk") as disk:
        out = disk / "feats.h5"
        (disk / "ballast").write_bytes(b"x" * 500_000)
        full = run(FILL, out)
        assert (full.returncode, full.stderr) == (0, "")
        assert "no space left to write" in full.stdout
        assert list(parts_of(out).glob("shard-*"))
        (disk / "ballast").unlink()
        again = run(FILL, out)
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
        assert tree(disk) == {"feats.h5": (tmp_path / "good.h5").read_bytes()}


def test_folders_are_replaced_also_where_the_system_cannot_swap_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    out = make(tmp_path / "feats.zarr", videos(3))
    make(out, videos(5))
    with open_store(out) as store:
        assert len(store.videos) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["feats.zarr"]


def test_a_folder_that_lost_its_name_between_two_renames_gets_it_back(tmp_path: Path) -> None:
    out = make(tmp_path / "feats.zarr", videos(3))
    with open_store(out) as store:
        truth = everything(store)
    out.rename(tmp_path / ".feats.zarr.old")
    atomic.restore(out)
    with open_store(out) as store:
        assert everything(store) == truth
    assert [path.name for path in tmp_path.iterdir()] == ["feats.zarr"]


def test_devices_and_pipes_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "stdout").symlink_to("/proc/self/fd/1")
    (tmp_path / "null").symlink_to(os.devnull)
    for name in ("pipe", "stdout", "null"):
        with (
            pytest.raises(StorageError, match="a device or a pipe"),
            atomic.atomic_replace(tmp_path / name),
        ):
            pytest.fail("nothing is to be written")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["null", "pipe", "stdout"]
