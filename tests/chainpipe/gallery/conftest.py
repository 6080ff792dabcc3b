"""What the tests of the gallery share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chainpipe import command


@pytest.fixture
def make_copies(library: Path, tmp_path: Path) -> Path:
    """A store of two files of the same bytes."""
    videos = tmp_path / "copies"
    videos.mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(library / "card" / "0.mp4", videos / name)
    out = tmp_path / "copies.h5"
    assert command.run(["extract", str(videos), "--out", str(out), "--frames", "4"]) == 0
    return out
