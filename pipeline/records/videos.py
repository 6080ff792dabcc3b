"""One video on its way: listed, scanned, decoded, embedded, or failed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import BugError
from .enums import UNEXPECTED, Blank, Reader, Split, Status


@dataclass(frozen=True, slots=True)
class VideoItem:
    """One line of a manifest: a video to extract.

    Attributes:
        path: ``os.fsencode`` of the path relative to the manifest's root.
        labels: Names of its classes, in no order; ``None`` if nobody said: what the store has
            stays.
        split: The part of the data set it belongs to, or ``None``, likewise.
    """

    path: bytes
    labels: tuple[str, ...] | None = None
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Result of a scan of the file, as shown (edit lists, rotation and pixel aspect applied).

    Attributes:
        duration: Seconds from the first shown frame to the end of the last.
        fps: Shown frames a second, on average.
        width: Pixels, after rotation and pixel aspect.
        height: Pixels, after rotation.
        frames: Number of shown frames.
        track: Which of the file's video tracks was read, the first being 0; -1 where unknown.
    """

    duration: float
    fps: float
    width: int
    height: int
    frames: int
    track: int = -1


@dataclass(frozen=True, slots=True, repr=False)
class Candidates:
    """M further frames of each of a clip's T segments, for segment-based sampling.

    Attributes:
        pixels: RGB bytes, (T, M, H, W, 3).
        seconds: When each is shown, counted from the first shown frame, (T, C).
        index: Each one's number in presentation order, rising within a segment, (T, C).
    """

    pixels: npt.NDArray[np.uint8]
    seconds: npt.NDArray[np.float64]
    index: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        shapes = self.pixels.shape[:2], self.seconds.shape, self.index.shape
        if len(set(shapes)) != 1:
            raise ValueError(f"pixels, seconds and index of candidates differ in shape: {shapes}")

    def __repr__(self) -> str:
        t, m, height, width, _ = self.pixels.shape
        return f"Candidates({t} segments x {m} x {height} x {width})"


@dataclass(frozen=True, slots=True, repr=False)
class Frames:
    """The sampled frames of one video, in presentation order.

    Attributes:
        pixels: RGB bytes, (T, H, W, 3).
        seconds: When each frame is shown, counted from the first shown frame, (T,).
        index: Each frame's number in presentation order, (T,).
        info: Facts about the whole video.
        status: ``OK``, ``SHORT`` or ``PARTIAL``.
        reader: Who decoded it.
        note: For ``PARTIAL``: frames expected and decoded, and the decoder's message; then what was
            mended in the file's clock, times or colours.
        candidates: Further frames of each segment, where they were asked for.
        views: Spatially augmented copies of ``pixels``, (V, T, H, W, 3), where asked for.
    """

    pixels: npt.NDArray[np.uint8]
    seconds: npt.NDArray[np.float64]
    index: npt.NDArray[np.int64]
    info: VideoInfo
    status: Status
    reader: Reader
    note: str = ""
    candidates: Candidates | None = None
    views: npt.NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        lengths = len(self.pixels), len(self.seconds), len(self.index)
        if len(set(lengths)) != 1:
            raise ValueError(f"pixels, seconds and index differ in length: {lengths}")
        if not self.status.has_row:
            raise ValueError(f"a video of status `{self.status.label}` has no frames")

    def __repr__(self) -> str:
        t, height, width, _ = self.pixels.shape
        return f"Frames({t} x {height} x {width}, {self.status.label}, {self.reader.name.lower()})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StreamedFrames:
    """The frames of a video whose pictures were handed on one by one as they were decoded.

    Attributes:
        places: Which of the pictures that were handed on each frame is, the first being 0, (T,).
        seconds: When each frame is shown, counted from the first shown frame, (T,).
        index: Each frame's number in presentation order, (T,).
        info: Facts about the whole video.
        status: ``OK`` or ``PARTIAL``.
        reader: Who decoded it.
        note: As in :class:`Frames`.
    """

    places: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.float64]
    index: npt.NDArray[np.int64]
    info: VideoInfo
    status: Status
    reader: Reader
    note: str = ""

    def __repr__(self) -> str:
        return f"StreamedFrames({len(self.index)}, {self.status.label}, {self.reader.name.lower()})"


@dataclass(frozen=True, slots=True, repr=False)
class VideoFeatures:
    """One video's frame features and everything a store keeps beside them.

    Attributes:
        path: As in :class:`VideoItem`.
        video_id: SHA-256 of the file's bytes, 32 bytes.
        features: (T, D), float16 or float32.
        seconds: (T,).
        index: (T,).
        info: Facts about the video.
        status: ``OK``, ``SHORT`` or ``PARTIAL``.
        reader: Who decoded it.
        size: Bytes of the file when it was read.
        mtime_ns: Its modification time then, nanoseconds.
        labels: Names of its classes.
        split: The part of the data set it belongs to.
        note: For ``PARTIAL``: frames expected and decoded, and the decoder's message; then what was
            mended in the file's clock, times or colours.
        blank: Whether its frames are black, of one colour, or all the same.
        candidates: Features of C further frames of each segment, (T, C, D), if cached.
        candidate_seconds: When each is shown, (T, C).
        candidate_index: Their numbers in presentation order, (T, C).
        views: Features of V spatially augmented views of the clip, (V, T, D), if cached.
    """

    path: bytes
    video_id: bytes
    features: npt.NDArray[np.floating]
    seconds: npt.NDArray[np.float64]
    index: npt.NDArray[np.int64]
    info: VideoInfo
    status: Status
    reader: Reader
    size: int
    mtime_ns: int
    labels: tuple[str, ...] = ()
    split: Split = Split.NONE
    note: str = ""
    blank: Blank = Blank.UNKNOWN
    candidates: npt.NDArray[np.floating] | None = None
    candidate_seconds: npt.NDArray[np.float64] | None = None
    candidate_index: npt.NDArray[np.int64] | None = None
    views: npt.NDArray[np.floating] | None = None

    def __post_init__(self) -> None:
        t = len(self.features)
        if len(self.seconds) != t or len(self.index) != t:
            times = len(self.seconds), len(self.index)
            raise ValueError(f"{self!r}: {t} features but {times} seconds and indices")
        if len(self.video_id) != 32:
            raise ValueError(f"{self!r}: a video id has 32 bytes, not {len(self.video_id)}")

    def __repr__(self) -> str:
        t, d = self.features.shape
        return f"VideoFeatures({os.fsdecode(self.path)!r}, {t} frames x {d})"


@dataclass(frozen=True, slots=True)
class FailedVideo:
    """A video that has no row in the store.

    Attributes:
        path: As in :class:`VideoItem`.
        status: The class of failure.
        message: Why, one line.
        attempts: How often it was tried.
        command: What read it, as in :class:`VideoError`.
        stderr: The end of that reader's error output.
        video_id: SHA-256 of its bytes; empty if they could not be read.
        size: Its length, bytes; -1 if that is not known.
        mtime_ns: Its modification time.
    """

    path: bytes
    status: Status
    message: str
    attempts: int = 1
    command: str = ""
    stderr: str = ""
    video_id: bytes = b""
    size: int = -1
    mtime_ns: int = 0

    @property
    def is_ours(self) -> bool:
        """Whether an exception of our own kept the video from being read."""
        return self.status is Status.CRASHED and self.message.startswith(UNEXPECTED)


def raise_if_ours(failed: Sequence[FailedVideo], *, hint: str | None = None) -> None:
    """Raise the exception of our own that every one of some failed videos ended in, if it is so.

    Args:
        failed: All videos of a run, none of which could be read.
        hint: Where the traceback is to be found, if it is.

    Raises:
        BugError: With the first one's message and traceback.
    """
    if failed and all(video.is_ours for video in failed):
        first = failed[0]
        raise BugError(first.message.removeprefix(UNEXPECTED), trace=first.stderr, hint=hint)


def count_statuses(rows: Sequence[int], failed: Sequence[FailedVideo]) -> dict[Status, int]:
    """Count how often each status occurs among rows and failures.

    >>> count_statuses([0, 0, 1], [FailedVideo(b"x", Status.CORRUPT, "why")])
    {<Status.OK: 0>: 2, <Status.SHORT: 1>: 1, <Status.CORRUPT: 3>: 1}
    """
    every = [*(Status(int(row)) for row in rows), *(video.status for video in failed)]
    return dict(sorted(Counter(every).items()))
