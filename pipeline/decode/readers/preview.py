"""What the built-in decoder sees of a file's first frame, for the reader that runs a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ...options import DecodeLimits
from ...records import Status, VideoError
from ..demux.container import open_video
from ..demux.film_track import COVER, is_cover, track_number
from ..demux.libav_log import LibavLog
from ..demux.orientation import Matrix
from ..demux.packets import demuxed
from ..frames.colour_matrix import BT2020_NCL, replace_matrix
from ..frames.pixels import UPRIGHT, display_matrix

PACKETS = 100  # after which no first frame is waited for


@dataclass(frozen=True, slots=True)
class Preview:
    """What is known of a file before a program reads it.

    Attributes:
        index: Of the stream to read, -1 where the program is to choose.
        track: Which of the video tracks that is, -1 where unknown.
        cover: Whether a single picture would be a cover beside sound.
        transfer: What the frames' numbers mean, as libav counts; 0 where unknown.
        orientation: Display matrix of all frames, ``None`` where unknown.
        matrix: Colour matrix to read instead of the told one, as ffmpeg names it, or nothing.
        note: On that matrix.
    """

    index: int = -1
    track: int = -1
    cover: bool = False
    transfer: int = 0
    orientation: Matrix | None = None
    matrix: str = ""
    note: str = ""

    def refuse_cover(self, pictures: int) -> None:
        """Refuse one picture that is a cover.

        Raises:
            VideoError: ``NO_VIDEO``.
        """
        if self.cover and pictures == 1:
            raise VideoError(Status.NO_VIDEO, COVER)


def preview(path: Path, limits: DecodeLimits) -> Preview:
    """Return what is seen of a file, which may be nothing.

    Raises:
        VideoError: ``NO_VIDEO``.
    """
    try:
        with LibavLog(), open_video(path, limits) as (container, stream):
            return _preview(container, stream)
    except VideoError as error:
        if error.status is Status.NO_VIDEO:
            raise
        return Preview()


def _preview(container: InputContainer, stream: VideoStream) -> Preview:
    cover = is_cover(container, stream)
    track, transfer = track_number(container, stream), stream.codec_context.color_trc
    frame = next(_frames(container, stream), None)
    if frame is None:
        return Preview(stream.index, track, cover, transfer)
    note, matrix = replace_matrix(frame), ""
    if note:
        matrix = "bt2020nc" if frame.colorspace == BT2020_NCL else "unknown"
    orientation = display_matrix(frame) or UPRIGHT
    return Preview(stream.index, track, cover, transfer, orientation, matrix, note)


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    try:
        for packet in islice(demuxed(container, stream), PACKETS):
            yield from stream.codec_context.decode(packet)
        yield from stream.codec_context.decode(None)
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        return
