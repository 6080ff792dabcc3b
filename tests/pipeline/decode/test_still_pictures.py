"""Still pictures as videos of one frame: only where they are asked for, in the limited child."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainpipe.pipeline.decode import DecodeWorker, FrameRequest
from chainpipe.pipeline.options import DecodeLimits
from chainpipe.pipeline.records import Status, VideoError

ASKED = FrameRequest(frames=3, size=32, pictures=True)
CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))


def quarters() -> Image.Image:
    """Return a picture whose quarters have four colours, 64x64."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    for number, colour in enumerate(CORNERS):
        top, left = divmod(number, 2)
        pixels[32 * top : 32 * top + 32, 32 * left : 32 * left + 32] = colour
    return Image.fromarray(pixels)


def corners(pixels: np.ndarray) -> list[list[int]]:
    return pixels[[4, 4, -4, -4], [4, -4, 4, -4]].astype(int).tolist()


@pytest.fixture
def worker() -> DecodeWorker:
    return DecodeWorker()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tiff", "ppm", "gif"])
def test_a_picture_is_a_video_of_one_frame(
    tmp_path: Path, suffix: str, worker: DecodeWorker
) -> None:
    path = tmp_path / f"picture %03d.{suffix}"  # no pattern of other files
    quarters().save(path)
    frames = worker.read(path, ASKED)
    assert (frames.status, frames.info.frames, frames.index.tolist()) == (Status.SHORT, 1, [0] * 3)
    assert (frames.info.width, frames.info.height) == (64, 64)
    error = np.abs(np.array(corners(frames.pixels[0])) - np.array(CORNERS))
    assert error.max() < 40  # GIF and JPEG give other colours
    assert (frames.pixels == frames.pixels[0]).all()


def test_without_being_asked_for_a_picture_is_refused(tmp_path: Path, worker: DecodeWorker) -> None:
    quarters().save(tmp_path / "a.jpg")
    with pytest.raises(VideoError, match="not an accepted container"):
        worker.read(tmp_path / "a.jpg", FrameRequest(frames=3, size=32))


def test_a_picture_is_turned_as_its_camera_says(tmp_path: Path, worker: DecodeWorker) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown by a quarter turn clockwise
    quarters().save(tmp_path / "a.png", exif=exif)
    turned = worker.read(tmp_path / "a.png", ASKED).pixels[0]
    order = (2, 0, 3, 1)
    assert np.abs(np.array(corners(turned)) - np.array([CORNERS[i] for i in order])).max() < 10


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "RGBA", "LA", "I;16", "I"])
def test_every_kind_of_pixels_is_read(tmp_path: Path, mode: str, worker: DecodeWorker) -> None:
    if mode in ("I;16", "I"):
        levels = np.full((40, 40), 20_000, np.uint16)
        picture = Image.fromarray(levels).convert(mode)
    else:
        picture = Image.new("RGB", (40, 40), (80, 80, 80)).convert(mode)
    picture.save(tmp_path / "a.tiff")
    pixels = worker.read(tmp_path / "a.tiff", ASKED).pixels
    assert pixels.shape == (3, 32, 32, 3)
    if mode not in ("1", "P"):  # which are dithered
        assert np.abs(pixels.astype(int) - 79).max() <= 6


def test_what_is_transparent_is_black(tmp_path: Path, worker: DecodeWorker) -> None:
    Image.new("RGBA", (40, 40), (200, 100, 50, 0)).save(tmp_path / "a.png")
    assert worker.read(tmp_path / "a.png", ASKED).pixels.max() == 0


def test_a_damaged_picture_is_corrupt_and_the_child_lives(
    tmp_path: Path, worker: DecodeWorker
) -> None:
    quarters().save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VideoError, match="damaged picture") as caught:
        worker.read(tmp_path / "cut.png", ASKED)
    assert caught.value.status is Status.CORRUPT
    assert worker.read(tmp_path / "a.png", ASKED).status is Status.SHORT


def test_a_picture_of_too_many_pixels_is_over_the_limit(tmp_path: Path) -> None:
    Image.new("L", (2000, 2000)).save(tmp_path / "a.png")
    with pytest.raises(VideoError, match="2000x2000") as caught:
        DecodeWorker(DecodeLimits(pixels=1_000_000)).read(tmp_path / "a.png", ASKED)
    assert caught.value.status is Status.LIMIT


@pytest.mark.parametrize("content", [b"hello", b"", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>"])
def test_what_is_no_picture_keeps_its_first_reason(
    tmp_path: Path, content: bytes, worker: DecodeWorker
) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(VideoError) as caught:
        worker.read(tmp_path / "a.jpg", ASKED)
    assert "picture" not in str(caught.value)


def test_a_pipe_is_not_waited_for(tmp_path: Path, worker: DecodeWorker) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(VideoError, match="not a regular file"):
        worker.read(tmp_path / "a.jpg", ASKED)
