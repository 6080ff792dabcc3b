"""Open an untrusted file: media containers only, regular files only, one thread."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from ...options import DecodeLimits
from ...records import Status, VideoError
from .film_track import film_track

# A playlist named .mp4 must not read another file: only real containers, only plain files.
FORMATS = (
    "mov,matroska,avi,mpegts,flv,mpeg,asf,ogg,gif,h264,hevc,"
    "mxf,dv,ivf,yuv4mpegpipe,nut,rm,mpegvideo,m4v,apng,webp_anim"
)
# Text that makes a reader open other files; none of it is a video.
PLAYLISTS = (b"#EXT", b"ffconcat", b"v=0", b"<?xml", b"<mpd", b"<smil", b"[playlist]")
HEAD = 256
# Strange letters in a file's tags raise nothing: from PyAV 19 on of themselves.
TAGS: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)


class Heartbeat(Protocol):
    """Callback for progress; the waiting parent detects a hang by its absence."""

    def __call__(self) -> None:
        """Note that something was read or decoded."""
        ...

    def set_duration(self, seconds: float) -> None:
        """Note the video's duration, which its time limit depends on."""
        ...

    def left(self) -> float:
        """Return how many CPU seconds the video may still take."""
        ...


class Rational(Protocol):
    """What PyAV gives for a fraction: ``Fraction``, or from 19 on a type of its own."""

    @property
    def numerator(self) -> int:
        """Return it, 0 where libav knows nothing."""
        ...

    @property
    def denominator(self) -> int:
        """Return it, 0 where libav knows nothing."""
        ...


def exact(told: Rational | None) -> Fraction | None:
    """Convert a rational of libav to a fraction, or ``None`` where it is unknown.

    >>> exact(Fraction(1, 25)), exact(Fraction(0))
    (Fraction(1, 25), None)
    """
    return Fraction(told.numerator, told.denominator) if told else None


class NoHeartbeat:
    """Ignore progress."""

    def __call__(self) -> None:
        """Do nothing."""

    def set_duration(self, seconds: float) -> None:
        """Do nothing."""

    def left(self) -> float:
        """Return infinity."""
        return math.inf


@contextmanager
def open_video(path: Path, limits: DecodeLimits) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and the video track that is its film; one thread.

    Raises:
        VideoError: If it cannot be opened, is refused, or holds no video.
    """
    refuse_playlist(path)
    container = open_container(path)
    try:
        stream = film_track(container, lambda: open_container(path))
        context = stream.codec_context
        if context is None:
            raise VideoError(Status.CORRUPT, "no decoder is known for its video")
        check_pixels(context.width, context.height, limits)
        context.options = {"max_pixels": str(limits.pixels)}
        context.thread_count = 1  # a run decodes several videos at once, one child for each
        context.copy_opaque = True
        yield container, stream
    finally:
        container.close()


def open_container(path: Path) -> InputContainer:
    """Open a file of an accepted format.

    Raises:
        VideoError: If it cannot be opened or is refused.
    """
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        container: InputContainer = av.open(f"file:{path}", options=options, **TAGS)
    except av.error.FFmpegError as error:
        raise open_error(error) from error
    except (ValueError, UnicodeError) as error:
        raise VideoError(Status.REFUSED, f"not an accepted container: {error}") from error
    return container


def refuse_playlist(path: Path) -> None:
    """Refuse what is no plain file, and text that names other files, however it is written.

    Raises:
        VideoError: ``REFUSED``, or ``UNREADABLE`` if the file cannot be read.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise VideoError(Status.REFUSED, "not a regular file")
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise VideoError(Status.UNREADABLE, error.strerror or str(error)) from error
    # A mark of byte order, two-byte letters and blanks must not hide it.
    text = head.lstrip(b"\xef\xbb\xbf\xff\xfe\0").replace(b"\0", b"").lstrip().lower()
    if text.startswith(tuple(words.lower() for words in PLAYLISTS)):
        raise VideoError(Status.REFUSED, "a playlist, which names other files")


def check_pixels(width: int, height: int, limits: DecodeLimits) -> None:
    """Refuse frames that are too large.

    Raises:
        VideoError: ``LIMIT``.
    """
    if width * height > limits.pixels:
        raise VideoError(Status.LIMIT, f"{width}x{height} is more than {limits.pixels} pixels")


def open_error(error: av.error.FFmpegError) -> VideoError:
    """Return the class of failure that opening a file ended in."""
    words = error.strerror or str(error)
    if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError):
        return VideoError(Status.UNREADABLE, words)
    if isinstance(error, ValueError) and not isinstance(error, av.error.InvalidDataError):
        return VideoError(Status.REFUSED, "not an accepted container")
    return VideoError(Status.CORRUPT, words)
