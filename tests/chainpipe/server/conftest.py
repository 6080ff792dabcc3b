"""A small library with a model, and the command that serves it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chainpipe.server.server_process import Server, run
from tests.pipeline.conftest import draw_clip

LOOKS = ("null", "negate", "hue=s=0", "transpose=1", "hflip", "vflip")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with five videos, one of them twice, their store, codes and gallery."""
    home = tmp_path_factory.mktemp("shelf")
    for number, look in enumerate(LOOKS):
        draw_clip(home / "clips" / f"{number}.mp4", "-vf", look, seconds=2, size="96x64")
    (home / "videos").mkdir()
    for number in range(5):
        shutil.copy(home / "clips" / f"{number}.mp4", home / "videos")
    shutil.copy(home / "clips/0.mp4", home / "videos/twin.mp4")
    run(home, "extract", "videos", "--out", "feats.h5", "--frames", 5)
    run(home, "train", "feats.h5", "--bits", 32, "--method", "lsh")
    run(home, "encode")
    run(home, "gallery", "feats.h5", "--out", "gallery", "--no-look")
    return home


@pytest.fixture(scope="module")
def server(shelf: Path) -> Iterator[Server]:
    """A server of the library, with uploads of at most 1 MB."""
    with Server(shelf, "--no-build", "--max-upload", 1, "--workers", 2) as running:
        yield running
