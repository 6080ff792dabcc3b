"""Which reader a file gets: exact, else linear, else an ffmpeg program; and how it ended."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import av
import numpy as np

from ...records import Frames, Reader, Status, VideoError
from ..base import DecodeLimits, FrameRequest
from ..demux.libav_log import Log
from ..demux.open import Beat, Unheard, opened
from ..demux.packet_table import Numbers, PacketTable
from ..demux.packets import LostError
from ..demux.scan import Scan
from ..frame_sampling import Seconds, nearest
from ..frames.assemble import Taken, answer
from ..frames.frame_selection import choose
from ..frames.render import Shower
from .exact import ExactReader
from .ffmpeg import FfmpegReader
from .linear import LinearReader, Passed

SLOWEST = 5.0  # frames a second: long pauses between frames cost no time to decode
READERS = ("auto", "exact", "linear", "ffmpeg")


def read_video(
    path: Path, request: FrameRequest, limits: DecodeLimits, beat: Beat | None = None
) -> Frames:
    """Decode the asked frames of one file, here in this process; see :func:`read_sizes`."""
    return read_sizes(path, request, (request.size,), limits, beat)[0]


def read_sizes(
    path: Path, request: FrameRequest, sizes: tuple[int, ...], limits: DecodeLimits,
    beat: Beat | None = None,
) -> tuple[Frames, ...]:  # fmt: skip
    """Decode the asked frames of one file once, for several output sizes.

    Args:
        path: The file.
        request: Which moments, as which pixels.
        sizes: Sides of the output, in place of the request's.
        limits: ``pixels``, ``frames`` and ``duration`` are looked at here; the rest is the
            process's.
        beat: Called often while there is progress; nobody listens by default.

    Raises:
        VideoError: If the file gives no frames.
        ValueError: If the request names no known reader, sampling or way of counting.
    """
    if request.reader not in READERS:
        raise ValueError(f"no reader is called {request.reader}; there are {', '.join(READERS)}")
    reading = _Reading(path, request, sizes, limits, beat or Unheard())
    return answer(reading.taken(), request, sizes)


class _Reading:
    """One file on its way down the ladder."""

    def __init__(
        self, path: Path, request: FrameRequest, sizes: tuple[int, ...], limits: DecodeLimits,
        beat: Beat,
    ) -> None:  # fmt: skip
        self._path, self._request, self._sizes = path, request, sizes
        self._limits, self._beat = limits, beat

    def taken(self) -> Taken:
        """Try the readers in turn."""
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
            if hopeless or wish != "auto":
                raise
            try:
                return self._by_program("")
            except VideoError:
                raise error from None

    def _built_in(self) -> Taken:
        with Log() as log:
            try:
                return self._exact_or_linear(log)
            except VideoError as error:
                version = ".".join(map(str, av.library_versions["libavcodec"]))
                name = "linear" if self._request.reader == "linear" else "exact"
                raise VideoError(
                    error.status, str(error), command=f"libav {name} (libavcodec {version})",
                    stderr=log.text(),
                ) from error  # fmt: skip

    def _exact_or_linear(self, log: Log) -> Taken:
        lost = "its packets do not tell their times"
        with opened(self._path, self._limits) as (container, stream):
            table = Scan(self._path, self._limits, self._beat, log).table(container, stream)
            self._lasts(table.duration, table.count)
            if table.trusted and self._request.reader != "linear":
                show = Shower(self._request, self._sizes, stream.sample_aspect_ratio)
                reader = ExactReader(container, stream, table, show, self._beat, log)
                try:
                    return self._exact(reader, table, show, log)
                except LostError as error:
                    lost = str(error)
        if self._request.reader == "exact":
            raise VideoError(Status.CORRUPT, f"the exact reader cannot read this file: {lost}")
        return self._linear(table, log)

    def _exact(self, reader: ExactReader, table: PacketTable, show: Shower, log: Log) -> Taken:
        by_key = self._request.sampling == "keyframe"
        keys = np.flatnonzero(np.isin(table.ordinals, table.starts)) if by_key else None
        keys = keys if keys is not None and len(keys) else None
        moments = choose(table.seconds, table.duration, self._request, keys)
        given, pictures = reader.read(moments.all)
        stand_in = dict(zip(moments.all.tolist(), given.tolist(), strict=True))
        sound = int(np.sum(table.sound(frozenset(reader.bad))))
        return Taken(
            moments.given(stand_in), pictures, table.seconds, table.duration, show.shape,
            Reader.EXACT if keys is None else Reader.KEYFRAME,
            _damage(sound, table.frames, bool(reader.bad), table.lack, log.text()),
        )  # fmt: skip

    def _linear(self, table: PacketTable, log: Log) -> Taken:
        expected = table.frames
        seconds = np.arange(max(1, expected)) / table.rate
        duration = expected / table.rate
        for _ in range(2):  # foretold; and, where that was wrong, as the first pass found
            moments = choose(seconds, duration, self._request)
            done, show = self._pass(table, moments.all, log)
            if not done.pictures:
                raise VideoError(Status.CORRUPT, "no frame could be decoded")
            seconds, duration = _times(done, table)
            self._check_duration(duration)
            again = choose(seconds, duration, self._request)
            if set(again.all.tolist()) <= done.given.keys():
                damage = bool(done.lost or table.damaged)
                note = _damage(done.total - done.lost, done.total, damage, table.lack, log.text())
                return Taken(
                    again.given(done.given), done.pictures, seconds, duration, show.shape,
                    Reader.LINEAR, note,
                )  # fmt: skip
        raise VideoError(Status.CHANGED, "the second reading found other frames than the first")

    def _pass(self, table: PacketTable, numbers: Numbers, log: Log) -> tuple[Passed, Shower]:
        with opened(self._path, self._limits) as (container, stream):
            show = Shower(self._request, self._sizes, stream.sample_aspect_ratio)
            reader = LinearReader(container, stream, table, show, self._beat, log)
            return reader.read(numbers), show

    def _by_program(self, hwaccel: str) -> Taken:
        show = Shower(self._request, self._sizes)
        transfer = self._transfer()
        reader = FfmpegReader(self._path, self._limits, show, self._beat, hwaccel, transfer)
        expected = reader.packets()
        self._lasts(expected.duration, len(expected.pts))
        said, tick = reader.stderr, expected.tick
        if said:
            expected = expected.filled()
        wanted = choose(expected.seconds, expected.duration, self._request).all
        for _ in range(2):
            pictures, listed = reader.frames(wanted, tick)
            said = said or reader.stderr
            if not said or not expected.timed or len(listed.pts) >= len(expected.pts):
                expected = listed
            moments = choose(expected.seconds, expected.duration, self._request)
            numbers = nearest(expected.pts, listed.pts)  # of the frames that came out
            ranks = nearest(numbers, moments.all)
            if set(ranks.tolist()) <= set(wanted.tolist()) and len(pictures) == len(wanted):
                by_rank = dict(zip(wanted.tolist(), pictures, strict=True))
                given = numbers[ranks].tolist()
                kept = {n: by_rank[r] for n, r in zip(given, ranks.tolist(), strict=True)}
                note = _damage(len(listed.pts), len(expected.pts), bool(said), "", said)
                return Taken(
                    moments.given(dict(zip(moments.all.tolist(), given, strict=True))), kept,
                    expected.seconds, expected.duration, show.shape, Reader.FFMPEG, note,
                )  # fmt: skip
            wanted = np.unique(ranks)
        raise reader.failure(Status.CORRUPT, f"{len(pictures)} of {len(wanted)} frames came out")

    def _transfer(self) -> int:
        """Return what the frames' numbers mean, 0 where the built-in decoder cannot tell."""
        try:
            with Log(), opened(self._path, self._limits) as (_, stream):
                return stream.codec_context.color_trc
        except VideoError:
            return 0

    def _lasts(self, duration: float, packets: int) -> None:
        """Check the duration, and allow the time that it takes."""
        self._check_duration(duration)
        self._beat.lasts(min(duration, packets / SLOWEST))

    def _check_duration(self, duration: float) -> None:
        if duration > self._limits.duration:
            words = f"{duration:.0f} s is more than {self._limits.duration:.0f} s"
            raise VideoError(Status.LIMIT, words)


def _times(done: Passed, table: PacketTable) -> tuple[Seconds, float]:
    seconds = done.seconds(table.rate)
    if table.trusted and len(seconds) == table.frames:  # the packets tell when the last one ends
        return seconds, max(table.duration, float(seconds[-1]))
    usual = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1 / table.rate
    return seconds, float(seconds[-1]) + usual


def _damage(decoded: int, expected: int, damaged: bool, lack: str, words: str) -> str:
    """Return what a partial video's note says, or nothing for a whole one."""
    if not damaged and not lack:
        return ""
    parts = [f"{decoded} of {expected} frames could be decoded", lack, words.split("\n")[0][:200]]
    return "; ".join(part for part in parts if part)
