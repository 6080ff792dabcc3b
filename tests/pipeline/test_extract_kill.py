"""Killing and stopping an extraction: nothing is lost, nothing is left behind."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import imageio_ffmpeg
import psutil
import pytest

from pipeline.store import open_store, parts_of

RUNNER = Path(__file__).with_name("extract_runner.py")
VIDEOS = 8


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight clips, two of them with the same bytes, and one that is none."""
    folder = tmp_path_factory.mktemp("videos")
    for number in range(VIDEOS - 1):
        card = f"testsrc2=duration=0.5:size=64x48:rate=10,hue=h={30 * number}"
        program = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", card]
        subprocess.run([*program, "-threads", "1", str(folder / f"{number:02}.mp4")], check=True)
    shutil.copy(folder / "00.mp4", folder / "twin.mp4")
    (folder / "text.mp4").write_text("not a video")
    return folder


def start(videos: Path, out: Path) -> subprocess.Popen[bytes]:
    root = str(RUNNER.parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, str(RUNNER), str(videos), str(out)]
    return subprocess.Popen(arguments, env=environment, stderr=subprocess.DEVNULL)


def wait_for_work(out: Path, running: subprocess.Popen[bytes], shards: int) -> None:
    """Wait until so many shards are there, or the program has ended."""
    while running.poll() is None and len(list(parts_of(out).glob("*.h5"))) < shards:
        time.sleep(0.005)


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def rows(out: Path) -> list[bytes]:
    """Everything of a store that must not depend on what happened on the way."""
    with open_store(out) as store:
        arrays = store.features(slice(None)), store.seconds(slice(None)), store.index(slice(None))
        assert list(store.damage()) == []
        failed = [(v.path, v.status) for v in store.failed]
        return [repr((store.videos.paths, failed)).encode(), *(a.tobytes() for a in arrays)]


@pytest.fixture(scope="module")
def uninterrupted(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    out = tmp_path_factory.mktemp("whole") / "feats.h5"
    assert start(videos, out).wait() == 3
    return rows(out)


def kill_midway(videos: Path, out: Path, shards: int, pick: random.Random) -> None:
    """Kill a run somewhere after its n-th shard; its children must go with it."""
    running = start(videos, out)
    wait_for_work(out, running, shards)
    time.sleep(pick.random() * 0.05)
    children = family(running)
    running.send_signal(signal.SIGKILL)
    running.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


@pytest.mark.parametrize("rounds", [1, pytest.param(50, marks=pytest.mark.soak)])
def test_kills_at_random_moments_lose_and_double_nothing(
    videos: Path, uninterrupted: list[bytes], tmp_path: Path, rounds: int
) -> None:
    pick = random.Random(0)
    for number in range(rounds):
        out = tmp_path / str(number) / "feats.h5"
        out.parent.mkdir()
        for shards in (1, 4):
            kill_midway(videos, out, shards, pick)
        assert start(videos, out).wait() == 3
        assert rows(out) == uninterrupted
        left = sorted(path.name for path in out.parent.iterdir())
        assert left == ["feats.h5", "feats.h5.failures.csv"]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quickly_and_the_next_run_goes_on(
    videos: Path, uninterrupted: list[bytes], tmp_path: Path, signum: signal.Signals
) -> None:
    out = tmp_path / "feats.h5"
    running = start(videos, out)
    wait_for_work(out, running, 2)
    children = family(running)
    began = time.monotonic()
    running.send_signal(signum)
    assert running.wait(timeout=5) == 128 + signum
    assert time.monotonic() - began < 5
    assert [child for child in children if child.is_running()] == []
    kept = len(list(parts_of(out).glob("*.h5")))
    assert kept >= 2
    assert start(videos, out).wait() == 3
    assert rows(out) == uninterrupted


def test_two_extractions_of_one_output_do_not_mix(
    videos: Path, uninterrupted: list[bytes], tmp_path: Path
) -> None:
    out = tmp_path / "feats.h5"
    first = start(videos, out)
    wait_for_work(out, first, 1)
    first.send_signal(signal.SIGSTOP)  # it holds the lock for as long as the test needs
    assert start(videos, out).wait() == 11
    first.send_signal(signal.SIGCONT)
    assert first.wait() == 3
    assert rows(out) == uninterrupted
