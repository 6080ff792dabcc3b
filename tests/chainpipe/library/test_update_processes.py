"""The verbs update and watch as real processes on real files: kills, signals, files that arrive."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.retrieval.codes import read_codes
from chainpipe.hashing.retrieval.encode import encode_store
from chainpipe.library.update import STATE, UpdateOptions
from chainpipe.library.watch import watch_library
from chainpipe.pipeline.console import Console
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import open_store, verify
from chainpipe.pipeline.store.lock import OutputLock
from tests.pipeline.conftest import draw_clip

DEADLINE = 90  # seconds for a process on a busy machine
LOOKS = ("null", "negate", "hue=s=0", "transpose=1", "hflip", "hue=h=90", "vflip", "hue=h=200")


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "chainpipe", *map(str, words)]


def run(home: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=home, capture_output=True, text=True, timeout=DEADLINE, check=False
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight clips, and a library of the first four with a store of the default backbone."""
    folder = tmp_path_factory.mktemp("drawn")
    for number, look in enumerate(LOOKS):
        draw_clip(folder / "clips" / f"{number}.mp4", "-vf", look, seconds=2, size="96x64")
    home = folder / "home"
    (home / "videos").mkdir(parents=True)
    for number in range(4):
        shutil.copy(folder / "clips" / f"{number}.mp4", home / "videos")
    assert run(home, "extract", "videos", "--out", "feats.h5", "--frames", 5).returncode == 0
    trained = run(home, "train", "feats.h5", "--bits", 16, "--method", "lsh")
    assert trained.returncode == 0, trained.stderr
    return folder


@pytest.fixture
def home(drawn: Path, tmp_path: Path) -> Path:
    """A copy of the library that its store follows."""
    home = shutil.copytree(drawn / "home", tmp_path / "home")
    assert run(home, "update", "--videos", "videos").returncode == 0
    return home


def check(home: Path, count: int) -> None:
    """Compare store and codes with the files and with a whole encoding."""
    assert list(verify(home / "feats.h5")) == []
    folder = home / "models/feats-lsh-16"
    facts, hasher = load_hasher(folder)
    found = read_codes(folder / "codes.npz")
    with open_store(home / "feats.h5") as store:
        assert sorted(map(os.fsdecode, store.videos.paths)) == sorted(os.listdir(home / "videos"))
        assert len(store.videos) == count
        wanted = encode_store(store, facts, hasher)
        assert np.array_equal(found.packed, wanted.packed)
        assert found.table_sha256 == store.table_sha256
    assert not (home / "feats.h5.parts").exists()


def test_the_one_store_of_a_folder_is_updated(drawn: Path, home: Path) -> None:
    shutil.copy(drawn / "clips/4.mp4", home / "videos")
    shutil.copy(drawn / "clips/0.mp4", home / "videos/copy.mp4")
    done = run(home, "update", "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert facts["added"] == ["4.mp4", "copy.mp4"]
    assert facts["similar"][1]["answers"][0]["path"] == "0.mp4"
    assert facts["encoded"] == 1  # the copy's code is known
    check(home, 6)
    assert "nothing changed" in run(home, "update").stdout
    (home / "videos/bad.mp4").write_text("no video")
    assert [run(home, "update").returncode for _ in range(2)] == [3, 0]


def test_a_killed_update_goes_on(drawn: Path, home: Path) -> None:
    for number in range(4, 8):
        shutil.copy(drawn / "clips" / f"{number}.mp4", home / "videos")
    (home / "videos/3.mp4").rename(home / "videos/third.mp4")
    rng, seen = np.random.default_rng(5), 0
    for _ in range(5):
        process = subprocess.Popen(
            command("update", "--json", "--quiet", "--settle", 0),
            cwd=home,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            process.wait(rng.uniform(0.3, 4))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        with open_store(home / "feats.h5") as store:
            assert len(store.videos) in (4, 8)
        seen += out.count('"added": ["4.mp4", "5.mp4", "6.mp4", "7.mp4"]')
    last = run(home, "update", "--json", "--quiet", "--settle", 0)
    assert last.returncode == 0
    seen += last.stdout.count('"added": ["4.mp4", "5.mp4", "6.mp4", "7.mp4"]')
    assert seen == 1  # told by one run, whichever it was
    check(home, 8)
    left = sorted(os.listdir(home / ("feats.h5" + STATE)))
    assert [name for name in left if name != "lock"] == ["known.npz"]


def test_sigint_stops_an_update(drawn: Path, home: Path) -> None:
    for number in range(4, 8):
        shutil.copy(drawn / "clips" / f"{number}.mp4", home / "videos")
    process = subprocess.Popen(
        command("update", "--settle", 30), cwd=home, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + DEADLINE
    lock = home / ("feats.h5" + STATE) / "lock"
    while f'"pid": {process.pid},' not in lock.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    second = run(home, "update")
    assert (second.returncode, f"process {process.pid}" in second.stderr) == (11, True)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "stopped by SIGINT" in told
    assert run(home, "update").returncode == 0
    check(home, 8)


def test_watch_without_its_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)  # as if it was not installed
    store, console = tmp_path / "feats.h5", Console(quiet=True)
    with pytest.raises(UsageError, match="`watchfiles`") as caught:
        watch_library(store, UpdateOptions(), console=console, tell=print)
    assert caught.value.hint == "pip install 'chainpipe-video[watch]'"


@pytest.fixture
def watcher(home: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command("watch", "videos", "--json"),
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    if process.poll() is None:
        process.kill()
        process.communicate()


def test_watch_reads_files_when_they_are_whole(
    drawn: Path, home: Path, watcher: subprocess.Popen[str]
) -> None:
    assert watcher.stdout is not None
    assert watcher.stderr is not None
    for line in watcher.stderr:
        if "watching" in line:
            break
    data = (drawn / "clips/5.mp4").read_bytes()
    with (home / "videos/slow.mp4").open("wb") as file:
        for start in range(0, len(data), len(data) // 8 + 1):
            file.write(data[start : start + len(data) // 8 + 1])
            file.flush()
            time.sleep(0.3)
    facts = json.loads(watcher.stdout.readline())
    assert (facts["added"], facts["new_failures"]) == (["slow.mp4"], [])
    shutil.copy(home / "videos/1.mp4", home / "videos/again.mp4")
    facts = json.loads(watcher.stdout.readline())
    (video,) = facts["similar"]
    assert (video["path"], video["answers"][0]["exact"]) == ("again.mp4", True)
    assert video["answers"][0]["path"] == "1.mp4"
    (home / "videos/again.mp4").rename(home / "videos/once more.mp4")
    facts = json.loads(watcher.stdout.readline())
    assert facts["moved"] == [{"from": "again.mp4", "to": "once more.mp4"}]
    lock = OutputLock(home / ("feats.h5" + STATE) / "lock", home / "feats.h5")
    (home / "videos/0.mp4").unlink()
    for line in watcher.stderr:
        if "trying again" in line:
            break
    lock.release()
    assert json.loads(watcher.stdout.readline())["gone"] == ["0.mp4"]
    shutil.copy(drawn / "clips/0.mp4", home / "videos")
    assert json.loads(watcher.stdout.readline())["back"] == ["0.mp4"]
    watcher.send_signal(signal.SIGINT)
    out, told = watcher.communicate(timeout=DEADLINE)
    assert (watcher.returncode, out) == (130, "")
    assert "Traceback" not in told
    check(home, 6)
