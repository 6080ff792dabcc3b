"""Choose the reader of a file: exact, else linear, else ffmpeg; report the status."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from ...options import DecodeLimits
from ...records import Frames, Reader, Status, StreamedFrames, VideoError
from ..base import FrameRequest, TakePicture
from ..demux.container import Heartbeat, NoHeartbeat, exact, open_video
from ..demux.film_track import refuse_cover, track_number
from ..demux.libav_log import LibavLog
from ..demux.packet_table import Indices, PacketTable
from ..demux.packets import OutOfSyncError
from ..demux.scan import Scan
from ..frame_sampling import Seconds, nearest
from ..frames.assemble import ReaderResult, assemble
from ..frames.frame_selection import select_frames
from ..frames.render import FrameRenderer, PictureStream
from .exact import ExactReader
from .ffmpeg import FfmpegReader
from .linear import LinearPass, LinearReader
from .preview import preview
from .still_picture import read_picture

SLOWEST = 5.0  # frames a second: long pauses between frames cost no time to decode
READERS = ("auto", "exact", "linear", "ffmpeg")


def read_video(
    path: Path, request: FrameRequest, limits: DecodeLimits, heartbeat: Heartbeat | None = None
) -> Frames:
    """Decode the asked frames of one file, here in this process; see :func:`read_sizes`."""
    return read_sizes(path, request, (request.size,), limits, heartbeat)[0]


def read_sizes(
    path: Path,
    request: FrameRequest,
    sizes: tuple[int, ...],
    limits: DecodeLimits,
    heartbeat: Heartbeat | None = None,
) -> tuple[Frames, ...]:
    """Decode the asked frames of one file once, for several output sizes.

    Args:
        path: The file.
        request: Which moments, as which pixels.
        sizes: Sides of the output, in place of the request's.
        limits: ``pixels``, ``frames`` and ``duration`` are checked here; the rest is the
            process's.
        heartbeat: Called often while there is progress; nobody listens by default.

    Raises:
        VideoError: If the file gives no frames.
        ValueError: If the request names no known reader, sampling or way of counting.
    """
    _check_reader(request)
    fallback = _FallbackReader(path, request, sizes, limits, heartbeat or NoHeartbeat())
    return assemble(fallback.decode(), request, sizes)


def stream_frames(
    path: Path,
    request: FrameRequest,
    sizes: tuple[int, ...],
    limits: DecodeLimits,
    take: TakePicture,
    heartbeat: Heartbeat | None = None,
) -> StreamedFrames:
    """Decode the asked frames of one file once, and hand on each picture as it is made.

    Args:
        path: As in :func:`read_sizes`; so are the others.
        request: Which moments, as which pixels; without candidates and views.
        sizes: Sides of the output.
        limits: What the video may cost.
        take: Called for each picture; some may not be among the asked ones in the end.
        heartbeat: Called often.

    Raises:
        VideoError: If the file gives no frames.
        ValueError: If the request names no known reader.
    """
    _check_reader(request)
    stream = PictureStream(take)
    fallback = _FallbackReader(path, request, sizes, limits, heartbeat or NoHeartbeat(), stream)
    found = assemble(fallback.decode(), request, sizes)[0]
    places = found.pixels.astype(np.int64)
    facts = found.info, found.status, found.reader, found.note
    return StreamedFrames(places, found.seconds, found.index, *facts)


def _check_reader(request: FrameRequest) -> None:
    if request.reader not in READERS:
        raise ValueError(f"no reader is called {request.reader}; there are {', '.join(READERS)}")


class _FallbackReader:
    """One file, tried by one reader after the other."""

    def __init__(
        self,
        path: Path,
        request: FrameRequest,
        sizes: tuple[int, ...],
        limits: DecodeLimits,
        heartbeat: Heartbeat,
        stream: PictureStream | None = None,
    ) -> None:
        self._path, self._request, self._sizes = path, request, sizes
        self._limits, self._heartbeat, self._stream = limits, heartbeat, stream
        self._track = -1

    def decode(self) -> ReaderResult:
        """Try the readers in turn, last that of pictures."""
        try:
            return self._moving()
        except VideoError as error:
            if not self._request.pictures or error.status not in (Status.REFUSED, Status.CORRUPT):
                raise
            if picture := read_picture(self._path, self._request, self._sizes, self._limits):
                return picture
            raise

    def _moving(self) -> ReaderResult:
        wish = self._request.reader
        if wish == "ffmpeg":
            return self._by_program(self._request.hwaccel)
        if self._request.hwaccel and wish == "auto":
            with suppress(VideoError):  # whatever the hardware's driver died of
                return self._by_program(self._request.hwaccel)
        try:
            return self._built_in()
        except VideoError as error:
            hopeless = error.status is not Status.CORRUPT or self._path.stat().st_size == 0
            if wish != "auto" or (hopeless and not _is_webp(self._path)):
                raise
            try:
                return self._by_program("")
            except VideoError:
                raise error from None

    def _built_in(self) -> ReaderResult:
        with LibavLog() as log:
            try:
                return self._exact_or_linear(log)
            except VideoError as error:
                version = ".".join(map(str, av.library_versions["libavcodec"]))
                name = "linear" if self._request.reader == "linear" else "exact"
                raise VideoError(
                    error.status,
                    str(error),
                    command=f"libav {name} (libavcodec {version})",
                    stderr=log.text(),
                ) from error

    def _exact_or_linear(self, log: LibavLog) -> ReaderResult:
        lost = "its packets do not tell their times"
        with open_video(self._path, self._limits) as (container, stream):
            table = Scan(self._path, self._limits, self._heartbeat, log).table(container, stream)
            refuse_cover(container, stream, table.count)
            self._track = track_number(container, stream)
            self._set_duration(table.duration, table.count)
            render = self._renderer(stream, table)
            if table.suspects:
                reader = ExactReader(container, stream, table, render, self._heartbeat, log)
                table = reader.checked()
            if table.trusted and self._request.reader != "linear":
                reader = ExactReader(container, stream, table, render, self._heartbeat, log)
                try:
                    return self._exact(reader, table, render, log)
                except OutOfSyncError as error:
                    lost = str(error)
        if self._request.reader == "exact":
            raise VideoError(Status.CORRUPT, f"the exact reader cannot read this file: {lost}")
        return self._linear(table, log)

    def _exact(
        self, reader: ExactReader, table: PacketTable, render: FrameRenderer, log: LibavLog
    ) -> ReaderResult:
        by_key = self._request.sampling == "keyframe"
        keys = np.flatnonzero(np.isin(table.ordinals, table.starts)) if by_key else None
        keys = keys if keys is not None and len(keys) else None
        selection = select_frames(table.seconds, table.duration, self._request, keys)
        given, pictures = reader.read(selection.all)
        replacements = dict(zip(selection.all.tolist(), given.tolist(), strict=True))
        intact = int(np.sum(table.intact(frozenset(reader.bad))))
        return ReaderResult(
            selection.replaced(replacements),
            pictures,
            table.seconds,
            table.duration,
            render.shape,
            Reader.EXACT if keys is None else Reader.KEYFRAME,
            _damage(intact, table.frames, bool(reader.bad), table.truncation, log.text()),
            self._track,
            _mended(table, render),
        )

    def _renderer(self, stream: VideoStream, table: PacketTable) -> FrameRenderer:
        aspect = exact(stream.sample_aspect_ratio)
        turn = table.orientation
        return FrameRenderer(self._request, self._sizes, aspect, turn, self._stream)

    def _linear(self, table: PacketTable, log: LibavLog) -> ReaderResult:
        expected = table.frames
        seconds = np.arange(max(1, expected)) / table.rate
        duration = expected / table.rate
        for _ in range(2):  # foretold; and, where that was wrong, as the first pass found
            selection = select_frames(seconds, duration, self._request)
            passed, render = self._pass(table, selection.all, log)
            if not passed.pictures:
                raise VideoError(Status.CORRUPT, "no frame could be decoded")
            seconds, duration = _times(passed, table)
            self._check_duration(duration)
            again = select_frames(seconds, duration, self._request)
            if set(again.all.tolist()) <= passed.given.keys():
                damage = bool(passed.lost or table.damaged)
                note = _damage(
                    passed.total - passed.lost, passed.total, damage, table.truncation, log.text()
                )
                return ReaderResult(
                    again.replaced(passed.given),
                    passed.pictures,
                    seconds,
                    duration,
                    render.shape,
                    Reader.LINEAR,
                    note,
                    self._track,
                    _mended(table, render, passed.wrong_times),
                )
        raise VideoError(Status.CHANGED, "the second reading found other frames than the first")

    def _pass(
        self, table: PacketTable, indices: Indices, log: LibavLog
    ) -> tuple[LinearPass, FrameRenderer]:
        with open_video(self._path, self._limits) as (container, stream):
            render = self._renderer(stream, table)
            reader = LinearReader(container, stream, table, render, self._heartbeat, log)
            return reader.read(indices), render

    def _by_program(self, hwaccel: str) -> ReaderResult:
        seen = preview(self._path, self._limits)
        turn = seen.orientation
        render = FrameRenderer(self._request, self._sizes, orientation=turn, stream=self._stream)
        reader = FfmpegReader(self._path, self._limits, render, self._heartbeat, hwaccel, seen)
        expected = reader.packets()
        seen.refuse_cover(len(expected.pts))
        self._set_duration(expected.duration, len(expected.pts))
        complaints, tick = reader.stderr, expected.tick
        if complaints:
            expected = expected.filled()
        wanted = select_frames(expected.seconds, expected.duration, self._request).all
        for _ in range(2):
            pictures, listed = reader.frames(wanted, tick)
            complaints = complaints or reader.stderr
            if not complaints or not expected.timed or len(listed.pts) >= len(expected.pts):
                expected = listed
            selection = select_frames(expected.seconds, expected.duration, self._request)
            indices = nearest(expected.pts, listed.pts)  # of the frames that came out
            ranks = nearest(indices, selection.all)
            if set(ranks.tolist()) <= set(wanted.tolist()) and len(pictures) == len(wanted):
                by_rank = dict(zip(wanted.tolist(), pictures, strict=True))
                given = indices[ranks].tolist()
                kept = {n: by_rank[r] for n, r in zip(given, ranks.tolist(), strict=True)}
                note = _damage(len(listed.pts), len(expected.pts), bool(complaints), "", complaints)
                return ReaderResult(
                    selection.replaced(dict(zip(selection.all.tolist(), given, strict=True))),
                    kept,
                    expected.seconds,
                    expected.duration,
                    render.shape,
                    Reader.FFMPEG,
                    note,
                    seen.track,
                    seen.note,
                )
            wanted = np.unique(ranks)
        raise reader.failure(Status.CORRUPT, f"{len(pictures)} of {len(wanted)} frames came out")

    def _set_duration(self, duration: float, packets: int) -> None:
        """Check the duration, and allow the time that it takes."""
        self._check_duration(duration)
        self._heartbeat.set_duration(min(duration, packets / SLOWEST))

    def _check_duration(self, duration: float) -> None:
        if duration > self._limits.duration:
            words = f"{duration:.0f} s is more than {self._limits.duration:.0f} s"
            raise VideoError(Status.LIMIT, words)


def _is_webp(path: Path) -> bool:
    """Return whether a file is WebP: only the program's libav may be new enough to read it."""
    if not path.is_file():  # opening a pipe would wait for ever
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:] == b"WEBP"


def _times(passed: LinearPass, table: PacketTable) -> tuple[Seconds, float]:
    seconds = passed.seconds(table.rate)
    if table.trusted and len(seconds) == table.frames:  # the packets tell when the last one ends
        return seconds, max(table.duration, float(seconds[-1]))
    usual = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1 / table.rate
    return seconds, float(seconds[-1]) + usual


def _damage(decoded: int, expected: int, damaged: bool, truncation: str, words: str) -> str:
    """Return what a partial video's note says, or nothing for a whole one."""
    if not damaged and not truncation:
        return ""
    parts = [
        f"{decoded} of {expected} frames could be decoded",
        truncation,
        words.split("\n")[0][:200],
    ]
    return "; ".join(part for part in parts if part)


def _mended(table: PacketTable, render: FrameRenderer, wrong_times: int = 0) -> str:
    """Return a note on what was mended, or nothing."""
    count = len(table.restarts)
    parts = [
        f"its clock starts anew or jumps at {count} place{'s' * (count > 1)}" if count else "",
        f"times mended: {wrong_times}" if wrong_times else "",
        render.note,
    ]
    return "; ".join(part for part in parts if part)
