"""Enums: status of an extraction, split, blank frames, reader."""

from __future__ import annotations

from enum import IntEnum

STDERR_LIMIT = 2000
UNEXPECTED = "unexpected "  # so begins the message of an exception that nobody foresaw


class Status(IntEnum):
    """Status of one video's extraction; the numbers are stored, so they never change."""

    OK = 0
    SHORT = 1
    PARTIAL = 2
    CORRUPT = 3
    NO_VIDEO = 4
    REFUSED = 5
    LIMIT = 6
    UNREADABLE = 7
    TIMEOUT = 8
    CRASHED = 9
    CHANGED = 10

    @property
    def label(self) -> str:
        """The name that people see, such as ``no_video``."""
        return self.name.lower()

    @property
    def has_row(self) -> bool:
        """Whether the video has features."""
        return self <= Status.PARTIAL

    @property
    def is_retried(self) -> bool:
        """Whether a plain re-run tries the video again."""
        return self >= Status.UNREADABLE


class Split(IntEnum):
    """Split of a video; the numbers are stored."""

    NONE = 0
    TRAIN = 1
    TEST = 2
    QUERY = 3
    DATABASE = 4
    VAL = 5


class Blank(IntEnum):
    """Why a video's frames carry no information, if so; the numbers are stored."""

    NONE = 0
    BLACK = 1
    WHITE = 2
    COLOUR = 3
    STILL = 4
    OTHER = 5
    UNKNOWN = 6


class Reader(IntEnum):
    """Reader that decoded a video; the numbers are stored."""

    EXACT = 0
    LINEAR = 1
    FFMPEG = 2
    KEYFRAME = 3


def words_of(error: Exception) -> str:
    """Return the message of an exception that nobody foresaw, one line.

    >>> words_of(KeyError("x"))
    "unexpected KeyError: 'x'"
    """
    return f"{UNEXPECTED}{type(error).__name__}: {error}"


class VideoError(Exception):
    """One video that gives no frames; it never stops a run.

    Attributes:
        status: The class of failure.
        command: What read it: a program's command line, or the reader and its library's version.
        stderr: The end of that reader's error output, at most :data:`STDERR_LIMIT` characters.
    """

    def __init__(
        self, status: Status, message: str, *, command: str = "", stderr: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.command = command
        self.stderr = stderr[-STDERR_LIMIT:]
