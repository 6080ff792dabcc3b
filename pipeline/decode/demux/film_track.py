"""Choose which of a file's video tracks is its film, not its cover or a still beside it."""

from __future__ import annotations

from collections.abc import Callable

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from ...records import Status, VideoError

# What a player shows beside a film, or lays over it.
BESIDE = (
    Disposition.attached_pic
    | Disposition.timed_thumbnails
    | Disposition.still_image
    | Disposition.dependent
)
IMAGES = ("mjpeg", "png", "bmp", "gif", "webp", "tiff", "jpeg2000", "jpegls", "ljpeg")
LONG_SOUND = 10.0  # seconds; beside so much sound one picture of any codec is a cover
PREVIEW = 4  # times as many pixels has a film as its preview
COVER = "its only picture is a cover beside sound"


def film_track(container: InputContainer, reopen: Callable[[], InputContainer]) -> VideoStream:
    """Return the default track, else the best one in libav's judgement, of those that move.

    Where no track is the default and libav takes the first for want of signs, one of four times
    its pixels or more is taken instead: that first one is a preview. A higher bit rate is a sign.

    Args:
        container: Open; nothing is read from it.
        reopen: Opens it once more; called where its headers do not tell which tracks move.

    Raises:
        VideoError: If it holds no video.
    """
    tracks = [track for track in container.streams.video if not track.disposition & BESIDE]
    if not tracks:
        if container.streams.video:
            raise VideoError(Status.NO_VIDEO, "no video stream but a cover picture")
        if container.streams and not (container.streams.audio or container.streams.subtitles):
            raise VideoError(Status.CORRUPT, "no readable stream: cut off or never finished")
        raise VideoError(Status.NO_VIDEO, "no video stream")
    if len(tracks) == 1:
        return tracks[0]
    best = container.streams.best("video")
    flagged = any(track.disposition & Disposition.default for track in tracks)
    if best is tracks[0] and not flagged:
        largest = max(tracks, key=_area)
        is_preview = _area(largest) >= PREVIEW * _area(best)
        best = largest if is_preview and _bit_rate(best) <= _bit_rate(largest) else best
    tracks.sort(key=lambda track: (track is not best, not track.disposition & Disposition.default))
    moving = _moving([track.index for track in tracks if track.frames < 2], reopen)
    return next((t for t in tracks if t.frames > 1 or t.index in moving), tracks[0])


def track_number(container: InputContainer, stream: VideoStream) -> int:
    """Return which of the file's video tracks a stream is, the first being 0."""
    return [track.index for track in container.streams.video].index(stream.index)


def refuse_cover(container: InputContainer, stream: VideoStream, pictures: int) -> None:
    """Refuse a track of one picture that is a cover beside sound, though nothing calls it so.

    Raises:
        VideoError: ``NO_VIDEO``.
    """
    if pictures == 1 and is_cover(container, stream):
        raise VideoError(Status.NO_VIDEO, COVER)


def is_cover(container: InputContainer, stream: VideoStream) -> bool:
    """Return whether a track of one picture would be a cover beside sound."""
    seconds = (container.duration or 0) / av.time_base
    image = stream.codec_context.name in IMAGES
    return bool(container.streams.audio) and (image or seconds >= LONG_SOUND)


def _area(track: VideoStream) -> int:
    """Return the pixels of a frame, 0 if no decoder is known for it."""
    context = track.codec_context
    return int(context.width * context.height) if context else 0


def _bit_rate(track: VideoStream) -> int:
    """Return bits a second as the headers tell them, 0 if they do not."""
    context = track.codec_context
    return int(context.bit_rate or 0) if context else 0


def _moving(indices: list[int], reopen: Callable[[], InputContainer]) -> set[int]:
    """Return which tracks have a second packet; reading ends when the first one is found to."""
    moving: set[int] = set()
    if not indices:
        return moving
    seen = dict.fromkeys(indices, 0)
    with reopen() as container:
        try:
            for packet in container.demux([container.streams[index] for index in indices]):
                if packet.size:
                    seen[packet.stream_index] += 1
                    if seen[packet.stream_index] > 1:
                        moving.add(packet.stream_index)
                if indices[0] in moving:
                    break
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            pass  # what can be read decides
    return moving
