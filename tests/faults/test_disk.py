"""A disk that fails at any moment: exit code 5 with the place, and what was done stays done."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainpipe.pipeline.store import open_store
from tests.faults.campaign import Campaign, counts
from tests.faults.clips import draw
from tests.faults.conftest import MakeCampaign
from tests.faults.disk_runner import FOREVER
from tests.faults.running import ROOT, Extraction, left_beside, shards

SOURCE = Path(__file__).with_name("failing_disk.c")


class Disk:
    """Extractions on a disk whose n-th operation fails."""

    def __init__(self, videos: Path, library: Path) -> None:
        environment = os.environ | {"LD_PRELOAD": str(library), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.disk_runner", str(videos)], cwd=ROOT, text=True,
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def extract(self, out: Path, first: int, last: int, number: int = 0) -> dict[str, Any]:
        """Extract with operations ``first`` to ``last`` failing; return how it ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([str(out), first, last, number]) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips, and one file that is no video."""
    folder = tmp_path_factory.mktemp("three")
    for number in range(2):
        draw(folder / f"{number}.mp4", hue=100 * number)
    (folder / "text.mp4").write_text("not a video")
    return folder


@pytest.fixture(scope="module")
def disk(three: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs a C compiler on Linux")
    library = tmp_path_factory.mktemp("disk") / "failing_disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    disk = Disk(three, library)
    yield disk
    disk.close()


def fail_and_resume(disk: Disk, out: Path, good: Path, first: int, last: int, number: int) -> str:
    """Let it fail, then run it on a sound disk; return what went wrong, or nothing."""
    out.parent.mkdir()
    ended = disk.extract(out, first, last, number)
    struck = ended["calls"] >= first
    if ended["code"] != 5 and (last == FOREVER or ended["code"] != 3):
        return f"{ended}"  # one failure may be one that does not matter, such as a flush at the end
    if ended["code"] == 5 and str(out) not in ended["words"]:
        return f"`{out}` is not in `{ended['words']}`"
    if not struck:
        return f"operation {first} never came: {ended}"
    if out.exists() and out.read_bytes() != good.read_bytes():
        return "it left a wrong store"
    again = disk.extract(out, FOREVER, FOREVER)
    if again["code"] != 3 or out.read_bytes() != good.read_bytes():
        return f"the next run: {again}"
    return "" if left_beside(out) == left_beside(good) else f"left: {left_beside(out)}"


def fail_each(disk: Disk, folder: Path, found: Campaign, step: int) -> int:
    good = folder / "good" / "feats.h5"
    good.parent.mkdir()
    calls = int(disk.extract(good, FOREVER, FOREVER)["calls"])
    for first in range(1 + step // 2, calls + 1, step):
        for number, last in ((errno.EIO, first), (errno.ENOSPC, FOREVER)):
            out = folder / f"{first}-{number}" / "feats.h5"
            wrong = fail_and_resume(disk, out, good, first, last, number)
            found.check(not wrong, f"{errno.errorcode[number]} at {first} of {calls}: {wrong}")
            shutil.rmtree(out.parent)
    return calls


def test_a_failure_at_some_moments_is_a_storage_error(
    disk: Disk, tmp_path: Path, campaign: MakeCampaign
) -> None:
    with campaign("writes", 0) as found:
        calls = fail_each(disk, tmp_path, found, step=170)
    assert calls > 60


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_failure_at_every_moment_is_a_storage_error(
    disk: Disk, tmp_path: Path, campaign: MakeCampaign
) -> None:
    with campaign("writes", 1) as found:
        found.add("operations of a run", fail_each(disk, tmp_path, found, step=1))


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """An empty folder that a small disk may be mounted on."""
    place = tmp_path / "disk"
    place.mkdir()
    yield place
    while os.path.ismount(place):
        subprocess.run(["umount", str(place)], check=True)


def mount(place: Path, kilobytes: int) -> None:
    if os.path.ismount(place):
        subprocess.run(["umount", str(place)], check=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a disk here")


def too_little(place: Path, videos: Path, most: int) -> int:
    """Return about the most kilobytes that are too little for an extraction."""
    least = 0
    for _ in range(6):
        tried = (least + most) // 2
        mount(place, tried)
        if Extraction(videos, place / "feats.h5").finish() == 5:
            least = tried
        else:
            most = tried
    return least


@counts("full-disk")
def test_a_full_disk_is_a_storage_error_and_room_is_all_that_is_needed(
    videos: Path, whole: Path, mounted: Path, campaign: MakeCampaign, count: int
) -> None:
    need = too_little(mounted, videos, 2 * whole.stat().st_size // 1024 + 400) if count > 1 else 0
    with campaign("full-disk", count) as found:
        for number in range(count):
            mount(mounted, max(4, need * number // count))
            out = mounted / "out" / "feats.h5"
            out.parent.mkdir()
            first = Extraction(videos, out)
            full = (
                first.finish() == 5 and "no space left" in first.words and f"{out}" in first.words
            )
            kept = shards(out)
            subprocess.run(["mount", "-o", "remount,size=9m", str(mounted)], check=True)
            again = Extraction(videos, out).finish() == 3
            same = again and out.read_bytes() == whole.read_bytes()
            found.check(full and same, (number, first.words, same, len(kept)))
            found.most("shards kept, at most", len(kept))


def test_the_injected_failure_reaches_what_the_libraries_write(disk: Disk, tmp_path: Path) -> None:
    """Were it not so, the tests above could not fail."""
    codes = set()
    for first in (1, 30):
        out = tmp_path / f"{first}" / "feats.h5"
        out.parent.mkdir()
        codes.add(disk.extract(out, first, FOREVER, errno.EROFS)["code"])
    assert codes == {5}
    sound = tmp_path / "sound" / "feats.h5"
    sound.parent.mkdir()
    assert disk.extract(sound, FOREVER, FOREVER)["code"] == 3
    with open_store(sound) as store:
        assert len(store.videos) == 2
