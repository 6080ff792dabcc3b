"""Open a file safely and list its shown frames from the packets alone, without decoding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream

from pipeline.records import Status, VideoError

# A playlist named .mp4 must not read another file: only real containers, only plain files.
FORMATS = "mov,matroska,avi,mpegts,flv,mpeg,asf,ogg,gif,h264,hevc"
# Text that makes a reader open other files; none of it is a video.
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"v=0", b"<?xml", b"<MPD", b"<smil", b"[playlist]")
MISSING = 0.9  # less than this share of the promised length: the file was cut off


class Beat(Protocol):
    """Hears of progress; whoever waits tells work from a hang by it."""

    def __call__(self) -> None:
        """Note that something was read or decoded."""
        ...

    def lasts(self, seconds: float) -> None:
        """Note the video's duration, which its time limit depends on."""
        ...


class Unheard:
    """A beat that nobody listens to."""

    def __call__(self) -> None:
        """Do nothing."""

    def lasts(self, seconds: float) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A packet where decoding can start.

    Attributes:
        pts: When its frame is shown, in the stream's time base.
        dts: Its place in decoding order, where the container knows it.
    """

    pts: int
    dts: int | None


@dataclass(frozen=True, slots=True)
class PacketTable:
    """Every shown frame of a stream, from one pass over its packets.

    Attributes:
        pts: Shown times in presentation order, (N,), in the time base; empty if unknown.
        keys: Where decoding can start, in presentation order.
        time_base: Seconds of one tick.
        end: When the last frame ends, in the time base.
        promised: Seconds that the header promises, 0 if it says nothing.
        broken: Why the pass ended early, or nothing.
        lack: What the whole file lacks of what its header promises, or nothing.
    """

    pts: npt.NDArray[np.int64]
    keys: tuple[KeyFrame, ...]
    time_base: Fraction
    end: int
    promised: float
    broken: str
    lack: str = ""

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        """When each frame is shown, counted from the first shown frame, (N,)."""
        ticks = (self.pts - self.pts[0]).astype(np.float64)
        return np.asarray(ticks * float(self.time_base))

    @property
    def duration(self) -> float:
        """Seconds from the first shown frame to the end of the last."""
        return float((self.end - int(self.pts[0])) * self.time_base) if len(self.pts) else 0.0

    def missing(self) -> str:
        """Say what the file lacks of what its header promises, or nothing."""
        if self.broken or self.lack:
            return self.broken or self.lack
        if self.promised and self.duration < MISSING * self.promised:
            return f"{self.duration:.2f} s of {self.promised:.2f} s are there"
        return ""


@contextmanager
def opened(path: Path, *, max_pixels: int) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and its first real video stream; one thread, errors are not concealed.

    Raises:
        VideoError: If it cannot be opened, is refused, or holds no video.
    """
    _refuse_playlist(path)
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{path}", options=options, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise opening_error(error) from error
    except (ValueError, UnicodeError) as error:
        raise VideoError(Status.REFUSED, f"not an accepted container: {error}") from error
    try:
        stream = _video_stream(container)
        context = stream.codec_context
        pixels = context.width * context.height
        if pixels > max_pixels:
            size = f"{context.width}x{context.height}"
            raise VideoError(Status.LIMIT, f"{size} is more than {max_pixels} pixels")
        context.options = {"max_pixels": str(max_pixels), "err_detect": "explode"}
        context.thread_count = 1
        yield container, stream
    finally:
        container.close()


def _refuse_playlist(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            head = file.read(64)
    except OSError as error:
        raise VideoError(Status.UNREADABLE, error.strerror or str(error)) from error
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(PLAYLISTS):
        raise VideoError(Status.REFUSED, "a playlist, which names other files")


def opening_error(error: av.error.FFmpegError) -> VideoError:
    """Return the class of failure that opening a file ended in."""
    words = error.strerror or str(error)
    if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError):
        return VideoError(Status.UNREADABLE, words)
    if isinstance(error, ValueError) and not isinstance(error, av.error.InvalidDataError):
        return VideoError(Status.REFUSED, "not an accepted container")
    return VideoError(Status.CORRUPT, words)


def scan(container: InputContainer, stream: VideoStream, beat: Beat) -> PacketTable:
    """Read all packets of a stream once and list its shown frames.

    Packets that an edit list hides are left out. The table is empty where a packet has no time of
    its own or two share one: then only decoding can tell.
    """
    shown: list[int] = []
    keys: list[KeyFrame] = []
    end, broken, reached = 0, "", 0.0
    try:
        for packet in container.demux():
            beat()
            reached = max(reached, _end_of(packet))
            if packet.stream_index != stream.index or packet.size == 0 or packet.is_discard:
                continue
            if packet.pts is None:
                return _empty(stream)
            shown.append(packet.pts)
            end = max(end, packet.pts + (packet.duration or 0))
            if packet.is_keyframe:
                keys.append(KeyFrame(packet.pts, packet.dts))
    except av.error.FFmpegError as error:
        broken = f"reading stopped: {error.strerror}"
    pts = np.sort(np.array(shown, np.int64))
    if len(pts) == 0 or (np.diff(pts) == 0).any():
        return _empty(stream, broken)
    keys.sort(key=lambda key: key.pts)
    promised = float(stream.duration * _base(stream)) if stream.duration else 0.0
    lack = _lack(container, reached)
    return PacketTable(pts, tuple(keys), _base(stream), end, promised, broken, lack)


def _end_of(packet: Packet[Any]) -> float:
    if packet.pts is None or packet.time_base is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)


def _lack(container: InputContainer, reached: float) -> str:
    """Compare the end of all streams with the header, where a header speaks of the whole file."""
    promised = (container.duration or 0) / av.time_base
    told = container.format.name in ("matroska,webm", "flv")
    if told and reached < MISSING * promised:
        return f"{reached:.2f} s of {promised:.2f} s are there"
    return ""


def _video_stream(container: InputContainer) -> VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    if container.streams and not container.streams.audio:
        raise VideoError(Status.CORRUPT, "no readable stream: cut off or never finished")
    raise VideoError(Status.NO_VIDEO, "no video stream")


def _base(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, 90_000)


def _empty(stream: VideoStream, broken: str = "") -> PacketTable:
    return PacketTable(np.empty(0, np.int64), (), _base(stream), 0, 0.0, broken)
