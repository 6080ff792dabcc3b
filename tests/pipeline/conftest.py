"""Clips that ffmpeg draws: nothing binary lies in the repository."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from chainpipe.pipeline.decode import ffmpeg_program

MakeClip = Callable[..., Path]


def draw_clip(
    path: Path, *arguments: str, seconds: float = 2, size: str = "64x48", rate: str = "10"
) -> Path:
    """Draw ffmpeg's test card; further arguments go before the output's name."""
    card = f"testsrc=duration={seconds}:size={size}:rate={rate}"
    command = [ffmpeg_program(), "-v", "error", "-y", "-f", "lavfi", "-i", card, *arguments]
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command, f"file:{path}"], check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture(scope="session")
def make_clip() -> MakeClip:
    return draw_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of ffmpeg's test card, 64x48, 10 frames a second."""
    return draw_clip(tmp_path_factory.mktemp("video") / "card.mp4")
