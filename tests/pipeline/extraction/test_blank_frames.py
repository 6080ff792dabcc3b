"""Blank videos are found from their frames, whatever codec noise and padding lie over them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.decode import DecodeWorker, FrameRequest, ffmpeg_program
from chainpipe.pipeline.extraction.blank_frames import BLOCK, blank_of, block_means
from chainpipe.pipeline.records import Blank, Frames, Reader, Status, VideoInfo

CARD = "testsrc2=320x180:d=1"
SOURCES = {
    "black": ("color=black:320x180:d=1", Blank.BLACK),
    "white": ("color=white:320x180:d=1", Blank.WHITE),
    "red": ("color=0xc02040:320x180:d=1", Blank.COLOUR),
    "noisy black": ("color=black:320x180:d=1,noise=alls=12:allf=t", Blank.BLACK),
    "fade": ("color=white:320x180:d=1,fade=out:0:25", Blank.OTHER),
    "still": (f"{CARD},trim=end_frame=1,loop=24:1:0", Blank.STILL),
    "noisy still": (f"{CARD},trim=end_frame=1,loop=24:1:0,noise=alls=4:allf=t", Blank.STILL),
    "film": (CARD, Blank.NONE),
    "dark film": (f"{CARD},eq=brightness=-0.35", Blank.NONE),
    "cursor": (
        "color=white:320x180:d=1[a];color=black:14x14[b];[a][b]overlay=90+n*4:90:shortest=1",
        Blank.NONE,
    ),
}


def frames(pixels: np.ndarray, *, width: int = 64, height: int = 64, shown: int = 0) -> Frames:
    n = len(pixels)
    info = VideoInfo(1.0, 25.0, width, height, shown or n)
    index = np.arange(n, dtype=np.int64)
    return Frames(pixels, index / 25, index, info, Status.OK, Reader.EXACT)


def plain(*levels: int) -> np.ndarray:
    """Grey frames of one level each."""
    return np.stack([np.full((64, 64, 3), level, np.uint8) for level in levels])


@pytest.mark.parametrize("fit", ["crop", "squash", "pad"])
@pytest.mark.parametrize("name", SOURCES)
def test_a_blank_video_is_told_from_a_film(tmp_path: Path, name: str, fit: str) -> None:
    card, expected = SOURCES[name]
    path = tmp_path / "clip.mp4"
    how = ["-pix_fmt", "yuv420p", "-threads", "1"]
    subprocess.run(
        [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", card, *how, str(path)], check=True
    )
    with DecodeWorker() as decoder:
        assert blank_of(decoder.read(path, FrameRequest(8, fit=fit)), fit) is expected


@pytest.mark.parametrize(
    ("pixels", "shown", "expected"),
    [
        (plain(0), 1, Blank.BLACK),
        (plain(0), 100, Blank.BLACK),
        (plain(0, 10, 3), 3, Blank.BLACK),
        (plain(255, 240), 2, Blank.WHITE),
        (plain(120, 122), 2, Blank.COLOUR),
        (plain(0, 120), 2, Blank.OTHER),
    ],
)
def test_flat_frames(pixels: np.ndarray, shown: int, expected: Blank) -> None:
    assert blank_of(frames(pixels, shown=shown), "crop") is expected


def test_one_frame_is_a_still_only_where_the_video_has_no_other() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3)).astype(np.uint8)
    assert blank_of(frames(picture, shown=1), "crop") is Blank.STILL
    assert blank_of(frames(picture, shown=50), "crop") is Blank.NONE
    twice = frames(np.concatenate([picture, picture]), shown=50)
    assert blank_of(twice, "crop") is Blank.STILL


@pytest.mark.parametrize(("height", "width"), [(64, 64), (50, 33), (7, 3), (8, 9)])
def test_block_means_are_those_of_loops(height: int, width: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, height, width, 3)).astype(np.uint8)
    rows, columns = (range(0, max(1, side - BLOCK + 1), BLOCK) for side in (height, width))
    expected = [
        [[frame[y : y + BLOCK, x : x + BLOCK].mean(axis=(0, 1)) for x in columns] for y in rows]
        for frame in pixels
    ]
    np.testing.assert_allclose(block_means(pixels), expected, rtol=1e-6)
