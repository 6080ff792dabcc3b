"""Files that are still being written are left for later."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainpipe.pipeline.inputs.growing import without_growing
from chainpipe.pipeline.inputs.manifest import Manifest, read_manifest


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    for name in ("grows.mp4", "old.mp4", "vanishes.mp4", "young.mp4"):
        (tmp_path / name).write_text("a")
    os.utime(tmp_path / "old.mp4", (1, 1))
    return read_manifest(tmp_path)


def test_only_files_that_grow_are_left_out(manifest: Manifest, tmp_path: Path) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        with (tmp_path / "grows.mp4").open("a") as file:
            file.write("b")
        (tmp_path / "vanishes.mp4").unlink()

    found = without_growing(manifest, 30, wait=wait)
    assert [item.path for item in found.items] == [b"old.mp4", b"young.mp4"]
    assert found.growing == (b"grows.mp4", b"vanishes.mp4")
    assert waited == [30]


def test_a_file_that_somebody_writes_is_left_out(manifest: Manifest, tmp_path: Path) -> None:
    os.utime(tmp_path / "young.mp4", (time.time() - 60, time.time() - 60))
    program = "import sys, time; file = open(sys.argv[1], 'ab'); print(); time.sleep(60)"
    command = [sys.executable, "-c", program, str(tmp_path / "young.mp4")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        found = without_growing(manifest, 1, wait=lambda seconds: None)
        assert found.growing == (b"young.mp4",)
        writer.kill()
    assert without_growing(manifest, 1, wait=lambda seconds: None).growing == ()


def test_nothing_waits_for_old_files(manifest: Manifest, tmp_path: Path) -> None:
    def wait(seconds: float) -> None:
        raise AssertionError

    assert without_growing(manifest, 0, wait=wait).growing == ()
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    assert len(without_growing(manifest, 30, wait=wait)) == 4
