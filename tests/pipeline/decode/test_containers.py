"""Containers of cameras, editors and the web: every frame is found, and the picture is its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.decode import DecodeWorker, FrameRequest, ffmpeg_program
from chainpipe.pipeline.inputs.manifest import read_manifest
from chainpipe.pipeline.inputs.pictures import is_animated
from chainpipe.pipeline.records import Status, VideoError

SIZE = 192
CARD = f"testsrc2=size={SIZE}x{SIZE}:rate=25:duration=2"
PAL = "testsrc2=size=720x576:rate=25:duration=1,format=yuv420p"
H264 = ["-c:v", "libx264", "-bf", "2", "-pix_fmt", "yuv420p"]
KINDS = {
    "mpeg2.mxf": ["-c:v", "mpeg2video"],
    "h264.mxf": H264,
    "vp8.ivf": ["-c:v", "libvpx"],
    "vp9.ivf": ["-c:v", "libvpx-vp9", "-cpu-used", "8"],
    "plain.y4m": ["-pix_fmt", "yuv420p"],
    "h264.nut": H264,
    "mpeg4.nut": ["-c:v", "mpeg4", "-bf", "2"],
    "one.m1v": ["-c:v", "mpeg1video"],
    "two.m2v": ["-c:v", "mpeg2video", "-bf", "2"],
    "two.mpv": ["-c:v", "mpeg2video", "-f", "mpeg2video"],
    "four.m4v": ["-c:v", "mpeg4", "-f", "m4v"],
    "flash.f4v": H264,
    "animated.apng": ["-f", "apng", "-plays", "0"],
    "animated.png": ["-f", "apng"],
    "animated.webp": ["-c:v", "libwebp_anim", "-lossless", "1"],
}


def make(path: Path, *arguments: str, card: str = CARD) -> Path:
    command = [ffmpeg_program(), "-v", "error", "-y", "-f", "lavfi", "-i", card, *arguments]
    subprocess.run([*command, "-threads", "1", str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


def all_frames(path: Path, size: int) -> np.ndarray:
    """Return every frame as the program decodes it, (N, size, size, 3)."""
    how = ["-fps_mode", "passthrough", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    command = [ffmpeg_program(), "-v", "error", "-i", str(path), *how]
    found = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(found, np.uint8).reshape(-1, size, size, 3).astype(np.int16)


@pytest.mark.parametrize("name", KINDS)
def test_every_picture_is_the_one_of_its_number(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, *KINDS[name])
    with DecodeWorker() as decoder:
        frames = decoder.read(path, FrameRequest(25, size=SIZE))
    everything = all_frames(path, SIZE)
    assert (frames.status, frames.info.frames, len(everything)) == (Status.OK, 50, 50)
    assert frames.index.tolist() == list(range(1, 50, 2))
    for picture, number in zip(frames.pixels.astype(np.int16), frames.index, strict=True):
        assert np.abs(everything - picture).mean(axis=(1, 2, 3)).argmin() == number
    assert read_manifest(tmp_path).items[0].path == name.encode()


@pytest.mark.parametrize(
    ("name", "how", "card"),
    [
        ("tape.dv", [], PAL),
        ("tape.dif", ["-f", "dv"], PAL),
        ("real.rm", ["-c:v", "rv20"], "testsrc2=size=176x144:rate=25:duration=1"),
    ],
)
def test_fixed_sizes_are_read(tmp_path: Path, name: str, how: list[str], card: str) -> None:
    path = make(tmp_path / name, *how, card=card)
    with DecodeWorker() as decoder:
        frames = decoder.read(path, FrameRequest(5, size=SIZE))
    assert (frames.status, frames.info.frames) == (Status.OK, 25)
    assert frames.index.tolist() == [2, 7, 12, 17, 22]
    assert len(read_manifest(tmp_path)) == 1


def test_stills_are_passed_over_and_counted(tmp_path: Path) -> None:
    av1 = ["-c:v", "libaom-av1", "-cpu-used", "8"]
    one = "testsrc2=size=48x48:rate=25,trim=end_frame=1"
    make(tmp_path / "a.avif", *av1, "-still-picture", "1", card=one)
    make(tmp_path / "b.webp", "-c:v", "libwebp", card=one)
    make(tmp_path / "c.png", card=one)
    make(tmp_path / "d.apng", "-f", "image2", "-c:v", "png", card=one)
    (tmp_path / "e.webp").write_bytes(b"RIFF")
    (tmp_path / "f.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "g.png").mkdir()
    (tmp_path / "h.png").symlink_to("nowhere")
    make(tmp_path / "film.avif", *av1, card="testsrc2=size=48x48:rate=5:duration=1")
    manifest = read_manifest(tmp_path)
    assert [item.path for item in manifest.items] == [b"film.avif"]
    assert manifest.notes == ("passed over 7 still pictures: 3 .png, 2 .webp, 1 .apng, 1 .avif",)
    assert len(read_manifest(tmp_path, any_suffix=True)) == 1


def test_a_colour_profile_before_the_animation_does_not_hide_it(tmp_path: Path) -> None:
    path = make(tmp_path / "a.png", "-f", "apng", card="testsrc2=size=48x48:rate=5:duration=1")
    data = path.read_bytes()
    chunk = (70_000).to_bytes(4, "big") + b"iCCP" + bytes(70_000 + 4)
    path.write_bytes(data[:33] + chunk + data[33:])
    assert is_animated(path)


def test_a_still_webp_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "b.webp", "-c:v", "libwebp", card="testsrc2=size=48x48,trim=end_frame=1")
    with DecodeWorker() as decoder, pytest.raises(VideoError) as caught:
        decoder.read(path, FrameRequest(5, size=SIZE))
    assert caught.value.status is Status.REFUSED
