"""Which reader a file gets: exact, else linear, else an ffmpeg program; and how it ended."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.decode.base import DecodeLimits, FrameRequest
from pipeline.decode.exact import LostError, can_jump, read_exact
from pipeline.decode.ffmpeg import list_frames, read_frames
from pipeline.decode.linear import LinearReader
from pipeline.decode.pixels import Picture, shown_size, square
from pipeline.decode.scan import Beat, PacketTable, Unheard, opened, scan
from pipeline.records import Frames, Reader, Status, VideoError, VideoInfo
from pipeline.sampling import uniform_by_time, uniform_indices

Numbers = npt.NDArray[np.int64]
SLOWEST = 5.0  # frames a second: long pauses between frames cost no time to decode


def read_video(
    path: Path, request: FrameRequest, limits: DecodeLimits, beat: Beat | None = None
) -> Frames:
    """Decode the asked frames of one file, here in this process.

    Args:
        path: The file.
        request: Which moments, as which pixels.
        limits: Only ``pixels`` is looked at here; the rest is the process's.
        beat: Called often while there is progress; nobody listens by default.

    Raises:
        VideoError: If the file gives no frames.
    """
    try:
        return _read_builtin(path, request, limits, beat or Unheard())
    except VideoError as error:
        if error.status is not Status.CORRUPT or path.stat().st_size == 0:
            raise
        try:
            return _read_ffmpeg(path, request, limits)
        except VideoError:
            raise error from None


def choose(seconds: npt.NDArray[np.float64], duration: float, request: FrameRequest) -> Numbers:
    """Return the numbers of the asked frames among all shown ones, (T,)."""
    if request.by == "time":
        return uniform_by_time(seconds, duration, request.frames)
    return uniform_indices(len(seconds), request.frames)


def _read_builtin(path: Path, request: FrameRequest, limits: DecodeLimits, beat: Beat) -> Frames:
    with opened(path, max_pixels=limits.pixels) as (container, stream):
        table = scan(container, stream, beat)
        beat.lasts(min(table.duration, len(table.pts) / SLOWEST))
        jump = can_jump(container, stream, table)
        if jump:
            try:
                return _exact(container, stream, table, request, beat)
            except LostError:
                pass
    return _linear(path, table, request, limits, beat)


def _exact(
    container: InputContainer,
    stream: VideoStream,
    table: PacketTable,
    request: FrameRequest,
    beat: Beat,
) -> Frames:
    numbers = choose(table.seconds, table.duration, request)
    wanted = {int(pts) for pts in table.pts[numbers]}
    aspect = stream.sample_aspect_ratio
    kept: dict[int, Picture] = {}
    info: VideoInfo | None = None
    for frame in read_exact(container, stream, table, wanted, beat):
        kept[frame.pts or 0] = square(frame, size=request.size, fit=request.fit, aspect=aspect)
        info = info or _info(frame, aspect, table.duration, len(table.pts))
    if info is None:
        raise LostError("no frame came out")
    pixels = np.stack([kept[int(pts)] for pts in table.pts[numbers]])
    seconds = table.seconds[numbers]
    status, note = _status(len(table.pts), request, table.missing())
    return Frames(pixels, seconds, numbers, info, status, Reader.EXACT, note)


def _linear(
    path: Path, table: PacketTable, request: FrameRequest, limits: DecodeLimits, beat: Beat
) -> Frames:
    """Decode all frames: once to list them where the table cannot, once to keep the asked ones."""
    times, errors = _decoded_times(path, limits, beat)
    if len(times) == 0:
        raise VideoError(Status.CORRUPT, table.broken or "no frame could be decoded")
    duration = max(table.duration, float(times[-1]))
    if len(times) > 1:
        duration = max(duration, float(times[-1]) + float(np.median(np.diff(times))))
    numbers = choose(times, duration, request)
    wanted = set(numbers.tolist())
    with opened(path, max_pixels=limits.pixels) as (container, stream):
        aspect = stream.sample_aspect_ratio
        frames = LinearReader().frames(container, stream, beat)
        kept, info = _keep(frames, wanted, request, aspect, duration, len(times))
    expected = max(len(table.pts), len(times))
    missing = table.missing()
    if errors or len(times) < len(table.pts):
        missing = f"{len(times)} of {expected} frames could be decoded"
    status, note = _status(len(times), request, missing)
    pixels = np.stack([kept[number] for number in numbers.tolist()])
    return Frames(pixels, times[numbers], numbers, info, status, Reader.LINEAR, note)


def _decoded_times(
    path: Path, limits: DecodeLimits, beat: Beat
) -> tuple[npt.NDArray[np.float64], int]:
    """Decode everything and return the seconds of the sound frames, and how many errors."""
    reader = LinearReader()
    with opened(path, max_pixels=limits.pixels) as (container, stream):
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        times = [frame.time for frame in reader.frames(container, stream, beat)]
    known = [time for time in times if time is not None]
    if len(known) < len(times) or any(b <= a for a, b in pairwise(known)):
        return np.arange(len(times)) / rate, reader.errors  # raw streams carry no times
    seconds = np.array(known, np.float64)
    return seconds - seconds[:1], reader.errors


def _keep(
    frames: Iterable[VideoFrame],
    wanted: set[int],
    request: FrameRequest,
    aspect: Fraction | None,
    duration: float,
    count: int,
) -> tuple[dict[int, Picture], VideoInfo]:
    kept: dict[int, Picture] = {}
    for number, frame in enumerate(frames):
        if number in wanted:
            kept[number] = square(frame, size=request.size, fit=request.fit, aspect=aspect)
            info = _info(frame, aspect, duration, count)
    if len(kept) < len(wanted):
        raise VideoError(Status.CHANGED, "the second reading found fewer frames than the first")
    return kept, info


def _read_ffmpeg(path: Path, request: FrameRequest, limits: DecodeLimits) -> Frames:
    found = list_frames(path, max_pixels=limits.pixels)
    numbers = choose(found.seconds, found.duration, request)
    distinct, places = np.unique(numbers, return_inverse=True)
    pixels = read_frames(path, distinct, request, max_pixels=limits.pixels)[places]
    count = len(found.seconds)
    rate = count / found.duration if found.duration else 0.0
    info = VideoInfo(found.duration, rate, found.width, found.height, count)
    status, note = _status(count, request, "")
    return Frames(pixels, found.seconds[numbers], numbers, info, status, Reader.FFMPEG, note)


def _info(frame: VideoFrame, aspect: Fraction | None, duration: float, count: int) -> VideoInfo:
    width, height = shown_size(frame.width, frame.height, aspect, frame.rotation)
    return VideoInfo(duration, count / duration if duration else 0.0, width, height, count)


def _status(count: int, request: FrameRequest, missing: str) -> tuple[Status, str]:
    if missing:
        return Status.PARTIAL, missing
    if count < request.frames:
        return Status.SHORT, f"{count} of {request.frames} frames"
    return Status.OK, ""
