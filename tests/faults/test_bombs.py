"""Bombs: small files that ask for much, and streams without an end, cost little and are classed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from chainpipe.pipeline.records import Status
from tests.faults.campaign import counts
from tests.faults.clips import H264, draw, ffmpeg
from tests.faults.conftest import MakeCampaign
from tests.faults.extracting import statuses
from tests.faults.watching import watched

SECONDS, MEGABYTES = 10.0, 500
READ = {Status.OK, Status.SHORT, Status.PARTIAL}
BAD = {Status.LIMIT, Status.CORRUPT, Status.REFUSED}
Bomb = Callable[[Path], set[Status]]


def many_pixels(path: Path) -> set[Status]:
    """Two grey frames of 8192 x 8192."""
    ffmpeg("-f", "lavfi", "-i", "color=gray:size=8192x8192:rate=2:duration=1", "-pix_fmt",
           "yuvj420p", "-c:v", "mjpeg", f"{path}.mov")  # fmt: skip
    return {Status.LIMIT}


def more_pixels(path: Path) -> set[Status]:
    """A frame of 12,000 x 12,000 that packs into little."""
    ffmpeg("-f", "lavfi", "-i", "color=gray:size=12000x12000:rate=1", "-frames:v", 1, "-pix_fmt",
           "monob", "-c:v", "png", f"{path}.mov")  # fmt: skip
    return {Status.LIMIT}


def hidden_pixels(path: Path) -> set[Status]:
    """Pictures whose own headers say 65,000 x 65,000; the container's says 64 x 48."""
    file = draw(Path(f"{path}.mov"), "-c:v", "mjpeg")
    data = file.read_bytes()
    small, large = (48).to_bytes(2, "big") + (64).to_bytes(2, "big"), b"\xfd\xe8" * 2
    assert data.count(b"\xff\xc0\x00\x11\x08" + small) == 4
    start = b"\xff\xc0\x00\x11\x08"
    file.write_bytes(data.replace(start + small, start + large))
    return BAD


def promised_pixels(path: Path) -> set[Status]:
    """A container whose header says 60,000 x 60,000; the pictures are 64 x 48."""
    file = draw(Path(f"{path}.mp4"))
    data = bytearray(file.read_bytes())
    at = data.index(b"avc1", data.index(b"stsd")) + 28
    data[at : at + 4] = (60_000).to_bytes(2, "big") * 2
    file.write_bytes(data)
    return READ | BAD


def long_pause(path: Path) -> set[Status]:
    """Two frames ten hours apart."""
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x48:rate=1", "-frames:v", 2, "-vf",
           "setpts=N*36000/TB", "-fps_mode", "passthrough", *H264, f"{path}.mkv")  # fmt: skip
    return READ | {Status.LIMIT}


def many_frames(path: Path) -> set[Status]:
    """A hundred thousand frames of 16 x 16."""
    second = ("-f", "lavfi", "-i", "color=gray:size=16x16:rate=1000:duration=1", *H264)
    ffmpeg(*second, path.parent.parent / "second.mkv")
    again = ("-stream_loop", 99, "-i", path.parent.parent / "second.mkv", "-c", "copy")
    ffmpeg(*again, f"{path}.mkv")
    return READ | {Status.LIMIT}


def pipe(path: Path) -> set[Status]:
    """A named pipe that nobody writes to."""
    os.mkfifo(f"{path}.mp4")
    return {Status.REFUSED}


def growing(path: Path) -> set[Status]:
    """A stream that another program goes on writing, faster than it is shown."""
    draw(Path(f"{path}.ts"), *H264, seconds=1)
    return READ | BAD | {Status.CHANGED}


BOMBS: dict[str, Bomb] = {
    bomb.__name__: bomb
    for bomb in (hidden_pixels, promised_pixels, long_pause, pipe, growing, many_frames,
                 many_pixels, more_pixels)  # the last three take seconds to make
}  # fmt: skip


def feed(file: Path, over: threading.Event) -> None:
    """Append a second of video again and again."""
    second = file.read_bytes()
    while not over.wait(0.005):
        with open(file, "ab") as stream:
            stream.write(second)


@counts("bombs")
def test_bombs_cost_little_and_are_classed(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    with campaign("bombs", count) as found:
        for name, make in list(BOMBS.items())[:count]:
            videos = tmp_path / name / "videos"
            draw(videos / "good.mp4")
            right = make(videos / name)
            over = threading.Event()
            feeder = threading.Thread(target=feed, args=(videos / "growing.ts", over))
            if name == "growing":
                feeder.start()
            with watched() as seen:
                ended = statuses(videos, tmp_path / name / "feats.h5")
            over.set()
            status = next(end for path, end in ended.items() if path != b"good.mp4")
            cheap = seen.seconds < SECONDS and seen.megabytes < MEGABYTES
            found.check(status in right and cheap, (name, status.label, seen))
            found.most("slowest seconds", seen.seconds)
            found.most("peak MB", seen.megabytes)
