"""The sets of docs/numbers/order_sets.py: their class is the order of frames, nothing else."""

import csv
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "docs" / "numbers" / "order_sets.py"
LOOKS = 3
SPLITS = ("train", "test")


def make(name: str, out: Path, *, looks: int = LOOKS) -> list[dict[str, str]]:
    """Make a small set and read its list."""
    command = [sys.executable, str(SCRIPT), name, "--out", str(out), "--looks", str(looks)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
    with open(out / "videos.csv", newline="") as file:
        return list(csv.DictReader(file))


def pictures(path: Path) -> np.ndarray:
    """Decode a clip, (frames, height, width, 3)."""
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def look(row: dict[str, str]) -> str:
    return re.findall(r"look\d+", row["path"])[0]


@pytest.fixture(scope="module", params=["directions", "reversed", "tempo"])
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[dict[str, str]]]:
    """A small set of each kind."""
    folder = tmp_path_factory.mktemp(request.param)
    return folder, make(request.param, folder)


def test_every_look_is_in_every_class_equally_often(
    made: tuple[Path, list[dict[str, str]]],
) -> None:
    counts = Counter((look(row), row["label"]) for row in made[1])
    assert len(counts) == LOOKS * len({row["label"] for row in made[1]})
    assert len(set(counts.values())) == 1


def test_no_look_is_both_trained_on_and_asked_for(made: tuple[Path, list[dict[str, str]]]) -> None:
    sides = {split: {look(row) for row in made[1] if row["split"] == split} for split in SPLITS}
    assert not sides["train"] & sides["test"]
    assert all(sides.values())


def test_mean_pictures_tell_the_look_and_not_the_class(
    made: tuple[Path, list[dict[str, str]]],
) -> None:
    """Clips of a look differ less in their mean picture than those of different looks do."""
    folder, rows = made
    means = [pictures(folder / row["path"]).mean(axis=0).ravel() for row in rows]
    apart = np.array([[np.abs(a - b).mean() for b in means] for a in means])
    own = np.array([[look(a) == look(b) for b in rows] for a in rows])
    same = np.array([[a["label"] == b["label"] for b in rows] for a in rows])
    other_clip = ~np.eye(len(rows), dtype=bool)
    assert apart[own & ~same].mean() < apart[~own].mean() / 2
    inside = apart[own & same & other_clip].mean()
    assert apart[own & ~same].mean() < 1.5 * inside + 2


def test_all_clips_have_as_many_frames_as_are_read(
    made: tuple[Path, list[dict[str, str]]],
) -> None:
    folder, rows = made
    assert {len(pictures(folder / row["path"])) for row in rows} == {25}


def test_a_set_is_made_the_same_again(tmp_path: Path) -> None:
    first, second = (make("tempo", tmp_path / name, looks=1) for name in ("a", "b"))
    assert first == second
    same = [(tmp_path / name / first[0]["path"]).read_bytes() for name in ("a", "b")]
    assert same[0] == same[1]
