"""Sources that change: between runs they are redone, while they are read they are never mixed."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest

from chainpipe.pipeline.records import Status
from tests.faults.campaign import counts
from tests.faults.clips import draw
from tests.faults.conftest import MakeCampaign
from tests.faults.extracting import alone, contents, run, statuses

HOW = ("written over", "replaced", "made longer", "cut")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two clips that take a moment to read."""
    folder = tmp_path_factory.mktemp("pair")
    return draw(folder / "old.mp4", seconds=20), draw(folder / "new.mp4", seconds=20, hue=120)


def change(path: Path, other: bytes, how: str) -> None:
    """Change a file as other programs do."""
    if how == "written over":
        path.write_bytes(other)
    elif how == "replaced":
        beside = path.with_suffix(".new")
        beside.write_bytes(other)
        beside.replace(path)
    elif how == "made longer":
        with open(path, "ab") as file:
            file.write(bytes(5000))
    else:
        os.truncate(path, path.stat().st_size * 2 // 3)


@counts("changed-between")
def test_a_source_that_changed_between_two_runs_is_redone(
    pair: tuple[Path, Path], tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    with campaign("changed-between", count) as found:
        for number in range(count):
            folder = tmp_path / f"{number}"
            videos = folder / "videos"
            videos.mkdir(parents=True)
            file = videos / "a.mp4"
            file.write_bytes(pair[0].read_bytes())
            (videos / "b.mp4").write_bytes(pair[1].read_bytes())
            run(videos, folder / "feats.h5")
            how = HOW[number % 4]
            change(file, pair[1].read_bytes() + b"\0", how)
            run(videos, folder / "feats.h5")
            now, then = contents(folder / "feats.h5").get(b"a.mp4"), alone(file, folder)
            found.check(now == then, (number, how))


@counts("changed-during")
def test_a_source_that_changes_while_it_is_read_is_old_new_or_classed(
    pair: tuple[Path, Path], tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    before = alone(pair[0], tmp_path / "before")
    choice = random.Random(6)
    with campaign("changed-during", count) as found:
        for number in range(count):
            folder = tmp_path / f"{number}"
            videos = folder / "videos"
            videos.mkdir(parents=True)
            file = videos / "a.mp4"
            file.write_bytes(pair[0].read_bytes())
            (videos / "b.mp4").write_bytes(pair[1].read_bytes())
            how, wait = HOW[number % 4], choice.uniform(0.0, 0.5)  # a child starts meanwhile
            other = pair[1].read_bytes() + bytes(1 + number)
            changer = threading.Timer(wait, change, (file, other, how))
            changer.start()
            ended = statuses(videos, folder / "feats.h5")[b"a.mp4"]
            changer.join()
            got = contents(folder / "feats.h5").get(b"a.mp4")
            after = alone(file, folder)
            honest = got in (before, after) if got else ended is Status.CHANGED or after is None
            run(videos, folder / "feats.h5")
            healed = contents(folder / "feats.h5").get(b"a.mp4") == after
            found.check(honest and healed, (number, how, wait, ended, honest, healed))
            found.add(f"ended {ended.label}")
    assert count < 50 or found.figures["ended changed"] >= count / 4  # it did hit the reading
