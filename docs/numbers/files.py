"""The files that decoders are measured on: common ones, long ones and odd ones."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from footage import QUIET, RATE, encode

from chainpipe.pipeline.decode import ffmpeg_program

COPY = ("-c", "copy", "-f", "webm", "pipe:1")
COMMON = ("-pix_fmt", "yuv420p", "-threads", "2")
X264 = ("-c:v", "libx264", "-preset", "veryfast", *COMMON)
X265 = ("-c:v", "libx265", "-preset", "superfast", *COMMON)
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "7", "-row-mt", "1", *COMMON)
LONG = ("-g", "250", "-bf", "3")
VARY = "select='not(mod(n,7))+lt(n,40)'"  # every 7th frame after the 40th
ROT = 20_000  # bytes
HD, FULL_HD, SMALL = (1280, 720), (1920, 1080), (320, 240)


@dataclass(frozen=True, slots=True)
class Sample:
    """One file to measure.

    Attributes:
        name: What the tables call it; its suffix says the container.
        options: Of ffmpeg, for the encoder and the container.
        size: Width and height in pixels, as shown.
        seconds: Length of the footage.
        then: What happens to the encoded file afterwards: from, to.
        first: Number of the first shown frame, where an edit list hides some.
        step: Whether the frame rate varies as in ``VARY``.
        status: How our decoder is to call it.
        frames: Exact number, in place of ``seconds``.
    """

    name: str
    options: tuple[str, ...]
    size: tuple[int, int] = SMALL
    seconds: float = 10.0
    then: Callable[[Path, Path], None] | None = None
    first: int = 0
    step: bool = False
    status: str = "ok"
    frames: int = 0

    @property
    def count(self) -> int:
        """Encoded frames."""
        return self.frames or round(self.seconds * RATE)

    @property
    def codes(self) -> list[int]:
        """The numbers drawn into the shown frames, in order."""
        numbers = range(self.first, self.count)
        return [n for n in numbers if not self.step or n < 40 or n % 7 == 0]


def _cut(source: Path, target: Path) -> None:
    """Start inside a group of pictures, by an edit list."""
    _remux(source, target, before=("-ss", "1.52"))


def _turned(source: Path, target: Path) -> None:
    """Say that the picture is to be turned by a quarter before it is shown."""
    _remux(source, target, before=("-display_rotation", "90"))


def _remux(source: Path, target: Path, *, before: tuple[str, ...]) -> None:
    command = [ffmpeg_program(), *QUIET, *before, "-i", str(source), "-c", "copy", str(target)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _truncated(source: Path, target: Path) -> None:
    data = source.read_bytes()
    target.write_bytes(data[: len(data) * 6 // 10])


def _rotten(source: Path, target: Path) -> None:
    data = bytearray(source.read_bytes())
    start, length = len(data) // 2, min(ROT, len(data) // 8)
    data[start : start + length] = np.random.default_rng(0).bytes(length)
    target.write_bytes(data)


def _piped(source: Path, target: Path) -> None:
    """Copy through a pipe, so that nobody can go back to write the duration."""
    command = [ffmpeg_program(), *QUIET, "-i", str(source), *COPY]
    with open(target, "wb") as file:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=file)


TALL = ("-vf", "transpose=clock")
FAST_START = ("-movflags", "faststart")
FRAGMENTED = ("-movflags", "frag_keyframe+empty_moov")
OPEN = ("-g", "50", "-bf", "3", "-x264-params", "open-gop=1")
ONE_KEY = ("-g", "100000", "-keyint_min", "100000", "-sc_threshold", "0", "-bf", "3")

COMMON_FILES = (
    Sample("H.264 720p 60 s, GOP 250.mp4", (*X264, *LONG), HD, 60),
    Sample("H.264 720p 60 s, GOP 25.mp4", (*X264, "-g", "25", "-bf", "3"), HD, 60),
    Sample("H.264 1080p 300 s.mp4", (*X264, *LONG), FULL_HD, 300),
    Sample("H.264 720p 10 s.mp4", (*X264, *LONG), HD, 10),
    Sample("H.264 240p 10 s.mp4", (*X264, *LONG), (426, 240), 10),
    Sample("H.264 720p 60 s, one key frame.mp4", (*X264, *ONE_KEY), HD, 60),
    Sample("HEVC 720p 30 s.mp4", (*X265, "-x265-params", "log-level=error:pools=2"), HD, 30),
    Sample("VP9 720p 30 s.webm", (*VP9, "-g", "128"), HD, 30),
)
ODD_FILES = (
    Sample("fragmented.mp4", (*X264, "-g", "50", *FRAGMENTED)),
    Sample("open groups.mp4", (*X264, *OPEN)),
    Sample("edit list.mp4", (*X264, "-g", "100"), then=_cut, first=38),
    Sample("start offset.mkv", (*X264, "-g", "50", "-output_ts_offset", "3.3")),
    Sample("varying rate.mp4", (*X264, "-vf", VARY, "-fps_mode", "vfr"), seconds=20, step=True),
    Sample("varying rate.mkv", (*X264, "-vf", VARY, "-fps_mode", "vfr"), seconds=20, step=True),
    Sample("no duration.webm", (*VP9, "-g", "50"), then=_piped),
    Sample("transport stream.ts", (*X264, "-g", "50")),
    Sample("MPEG-4.avi", ("-c:v", "mpeg4", "-q:v", "4", "-g", "50", "-bf", "2")),
    Sample("raw.h264", (*X264, "-g", "50")),
    Sample("7 frames.mp4", X264, frames=7, status="short"),
    Sample("truncated.mp4", (*X264, *FAST_START), then=_truncated, status="partial"),
    Sample("20 kB of rot.mp4", (*X264, "-crf", "12"), then=_rotten, status="partial"),
    Sample("turned.mp4", (*X264, *TALL), then=_turned),
    Sample("moving.gif", (), seconds=4),
)
QUICK = ("edit list.mp4", "raw.h264")


def samples(*, quick: bool) -> list[Sample]:
    """Return what is to be measured; quickly: three tiny files."""
    if not quick:
        return [*COMMON_FILES, *ODD_FILES]
    tiny = Sample("H.264 720p 60 s, GOP 250.mp4", (*X264, *LONG), (192, 128), 4)
    odd = [sample for sample in ODD_FILES if sample.name in QUICK]
    return [tiny, *(replace(sample, seconds=4) for sample in odd)]


def build(sample: Sample, source: Path, cache: Path) -> Path:
    """Return a sample's file, made unless it is there already."""
    path = cache / sample.name
    if path.exists():
        return path
    if sample.then is None:
        encode(path, source, sample.options, size=sample.size, frames=sample.count)
        return path
    whole = path.with_stem(f"whole {path.stem}")
    unfinished = path.with_stem(f"part {path.stem}")
    encode(whole, source, sample.options, size=sample.size, frames=sample.count)
    sample.then(whole, unfinished)
    whole.unlink()
    unfinished.replace(path)
    return path
