"""The last reader: an ffmpeg program, for what the built-in decoder cannot open."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import ffmpeg
import numpy as np
import numpy.typing as npt

from pipeline.decode.base import FrameRequest
from pipeline.decode.scan import FORMATS
from pipeline.records import Status, VideoError


@dataclass(frozen=True, slots=True)
class Listing:
    """All frames that an ffmpeg program decodes.

    Attributes:
        seconds: When each is shown, (N,), from the first.
        duration: Seconds to the end of the last.
        width: As shown.
        height: As shown.
    """

    seconds: npt.NDArray[np.float64]
    duration: float
    width: int
    height: int


@cache
def ffmpeg_program() -> str:
    """Return the system's ffmpeg, else the one that comes with imageio-ffmpeg."""
    if found := shutil.which("ffmpeg"):
        return found
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def list_frames(path: Path, *, max_pixels: int) -> Listing:
    """Decode a file once and list its frames.

    Raises:
        VideoError: If no frame comes out.
    """
    shown = _shown(_input(path, max_pixels).video)
    text = _run(shown.output("pipe:1", format="framecrc", fps_mode="passthrough"))
    lines = text.decode(errors="replace").splitlines()
    facts = dict(re.findall(r"^#(\w+) 0: (.+)$", "\n".join(lines), flags=re.MULTILINE))
    rows = [line.split(",") for line in lines if line and not line.startswith("#")]
    if not rows or "dimensions" not in facts:
        raise VideoError(Status.CORRUPT, "no frame could be decoded")
    tick = float(Fraction(facts["tb"]))
    width, height = map(int, facts["dimensions"].split("x"))
    pts = np.array([int(row[2]) for row in rows], np.float64)
    end = float(pts[-1]) + float(rows[-1][3])
    return Listing((pts - pts[0]) * tick, (end - float(pts[0])) * tick, width, height)


def read_frames(
    path: Path, numbers: npt.NDArray[np.int64], request: FrameRequest, *, max_pixels: int
) -> npt.NDArray[np.uint8]:
    """Return frames by their number in presentation order, (n, size, size, 3) RGB.

    Args:
        path: The file.
        numbers: Ascending and distinct, (n,).
        request: Size and fit of the pixels.
        max_pixels: Frames with more are refused.

    Raises:
        VideoError: If not all of them come out.
    """
    chosen = "+".join(f"eq(n,{number})" for number in numbers)
    stream = _shown(_input(path, max_pixels).video.filter("select", chosen))
    fitted = _fitted(stream, request.size, request.fit)
    out = fitted.output("pipe:1", format="rawvideo", pix_fmt="rgb24", fps_mode="passthrough")
    frame = request.size * request.size * 3
    data = _run(out)
    if len(data) != frame * len(numbers):
        got = len(data) // frame
        raise VideoError(Status.CORRUPT, f"{got} of {len(numbers)} frames could be decoded")
    return np.frombuffer(data, np.uint8).reshape(-1, request.size, request.size, 3)


def _input(path: Path, max_pixels: int) -> ffmpeg.nodes.FilterableStream:
    return ffmpeg.input(
        f"file:{os.fspath(path.absolute())}", threads=1, protocol_whitelist="file",
        format_whitelist=FORMATS, max_pixels=max_pixels,
    )  # fmt: skip


def _shown(stream: ffmpeg.nodes.FilterableStream) -> ffmpeg.nodes.FilterableStream:
    """Make pixels square; the program turns frames upright itself."""
    return stream.filter("scale", "trunc(iw*sar+0.5)", "ih").filter("setsar", 1)


def _fitted(
    stream: ffmpeg.nodes.FilterableStream, size: int, fit: str
) -> ffmpeg.nodes.FilterableStream:
    if fit == "squash":
        return stream.filter("scale", size, size, flags="bilinear")
    how = {"force_original_aspect_ratio": "increase" if fit == "crop" else "decrease"}
    stream = stream.filter("scale", size, size, flags="bilinear", **how)
    if fit == "crop":
        return stream.filter("crop", size, size)
    return stream.filter("pad", size, size, "(ow-iw)/2", "(oh-ih)/2")


def _run(stream: ffmpeg.nodes.OutputStream) -> bytes:
    command = [ffmpeg_program(), "-hide_banner", "-nostdin", "-loglevel", "error"]
    done = subprocess.run(
        [*command, *stream.get_args()], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode and not done.stdout:
        words = done.stderr.decode(errors="replace").strip().splitlines() or ["no words"]
        raise VideoError(Status.CORRUPT, f"ffmpeg: {words[-1][:200]}")
    return done.stdout
