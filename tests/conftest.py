"""What the end-to-end tests share: a small library of videos, its store and a model."""

import os
from pathlib import Path

import pytest

from chainpipe import command
from tests.pipeline.conftest import draw_clip

# Workers of pytest-xdist have it: tables in a pipe obey it, and tests should not depend on it.
os.environ.pop("COLUMNS", None)

PATTERNS = {"card": "", "dark": "eq=brightness=-0.4", "grey": "hue=s=0", "turned": "transpose=1"}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight clips in four folders, which are their labels."""
    folder = tmp_path_factory.mktemp("library") / "videos"
    for name, look in PATTERNS.items():
        for number in range(2):
            looks = ["-vf", f"{look or 'null'},crop=iw-{8 * number}:ih"]
            draw_clip(folder / name / f"{number}.mp4", *looks, seconds=3)
    return folder


@pytest.fixture(scope="session")
def store(library: Path) -> Path:
    path = library.parent / "feats.h5"
    assert command.run(["extract", str(library), "--out", str(path), "--labels", "folders"]) == 0
    return path


@pytest.fixture(scope="session")
def model(store: Path) -> Path:
    path = store.parent / "models" / "feats-chain-16"
    words = ["train", str(store), "--bits", "16", "--out", str(path)]
    assert command.run(words) == 0
    return path
