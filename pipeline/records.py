"""What flows through stage one: frozen records that check themselves."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt


class Status(IntEnum):
    """How extracting one video ended; the numbers are stored, so they never change."""

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
    def tried_again(self) -> bool:
        """Whether a plain re-run tries the video again."""
        return self >= Status.UNREADABLE


class Split(IntEnum):
    """Which part of a data set a video belongs to; the numbers are stored."""

    NONE = 0
    TRAIN = 1
    TEST = 2
    QUERY = 3
    DATABASE = 4


class Reader(IntEnum):
    """Which reader delivered a video's frames; the numbers are stored."""

    EXACT = 0
    LINEAR = 1
    FFMPEG = 2
    KEYFRAME = 3


class VideoError(Exception):
    """One video that gives no frames; it never stops a run.

    Attributes:
        status: The class of failure.
    """

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class VideoItem:
    """One line of a manifest: a video to extract.

    Attributes:
        path: ``os.fsencode`` of the path relative to the manifest's root.
        labels: Names of its classes, in no order.
        split: The part of the data set it belongs to.
    """

    path: bytes
    labels: tuple[str, ...] = ()
    split: Split = Split.NONE


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a scan of the file found, as shown (edit lists, rotation and pixel aspect applied).

    Attributes:
        duration: Seconds from the first shown frame to the end of the last.
        fps: Shown frames a second, on average.
        width: Pixels, after rotation and pixel aspect.
        height: Pixels, after rotation.
        frames: Number of shown frames.
    """

    duration: float
    fps: float
    width: int
    height: int
    frames: int


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
        note: For ``PARTIAL``: frames expected and decoded, and the decoder's words.
    """

    pixels: npt.NDArray[np.uint8]
    seconds: npt.NDArray[np.float64]
    index: npt.NDArray[np.int64]
    info: VideoInfo
    status: Status
    reader: Reader
    note: str = ""

    def __post_init__(self) -> None:
        lengths = len(self.pixels), len(self.seconds), len(self.index)
        if len(set(lengths)) != 1:
            raise ValueError(f"pixels, seconds and index differ in length: {lengths}")
        if not self.status.has_row:
            raise ValueError(f"a video of status `{self.status.label}` has no frames")

    def __repr__(self) -> str:
        t, height, width, _ = self.pixels.shape
        return f"Frames({t} x {height} x {width}, {self.status.label}, {self.reader.name.lower()})"


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
    """

    path: bytes
    status: Status
    message: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What must agree before a model may read features. The number of frames is not part of it.

    Attributes:
        backbone: Its full name, such as ``cnn:efficientnet-lite0``.
        weights_sha256: Of the backbone's weights, hexadecimal.
        dim: D, the length of a frame's feature.
        preprocessing: How pixels become the backbone's input, one canonical line.
    """

    backbone: str
    weights_sha256: str
    dim: int
    preprocessing: str

    def differences(self, other: Fingerprint) -> list[str]:
        """Return ``name: mine / theirs`` for each fact that differs.

        >>> a = Fingerprint("cnn", "00", 8, "fit=crop")
        >>> a.differences(Fingerprint("cnn", "00", 4, "fit=crop"))
        ['dim: 8 / 4']
        """
        mine, theirs = asdict(self), asdict(other)
        return [f"{k}: {mine[k]} / {theirs[k]}" for k in mine if mine[k] != theirs[k]]


@dataclass(frozen=True, slots=True)
class StoreMeta:
    """The settings that every row of a store was made with.

    Attributes:
        fingerprint: Backbone, weights, D and preprocessing.
        frames: T, the number of frames a video.
        sampling: How moments are chosen, such as ``uniform``.
        by: ``index`` or ``time``.
        dtype: ``float16`` or ``float32``.
        strict: Whether ``partial`` videos count as failed.
        chainpipe: The version that made it.
    """

    fingerprint: Fingerprint
    frames: int
    sampling: str = "uniform"
    by: str = "index"
    dtype: str = "float16"
    strict: bool = False
    chainpipe: str = ""

    def differences(self, other: StoreMeta) -> list[str]:
        """Return ``name: mine / theirs`` for each setting that differs (versions may)."""
        mine, theirs = self.settings(), other.settings()
        return [f"{k}: {mine[k]} / {theirs[k]}" for k in mine if mine[k] != theirs[k]]

    def settings(self) -> dict[str, str | int | bool]:
        """Return all settings as one flat JSON-able dictionary, without the version."""
        flat = asdict(self)
        flat.update(flat.pop("fingerprint"))
        flat.pop("chainpipe")
        return flat

    @classmethod
    def from_settings(cls, flat: dict[str, str | int | bool], *, chainpipe: str) -> StoreMeta:
        """Rebuild what :meth:`settings` returned.

        >>> meta = StoreMeta(Fingerprint("cnn", "00", 8, "fit=crop"), 25)
        >>> StoreMeta.from_settings(meta.settings(), chainpipe="") == meta
        True
        """
        rest = dict(flat)
        names = ("backbone", "weights_sha256", "dim", "preprocessing")
        fingerprint = Fingerprint(**{name: rest.pop(name) for name in names})  # type: ignore[arg-type]
        return cls(fingerprint=fingerprint, chainpipe=chainpipe, **rest)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, repr=False)
class VideoTable:
    """All per-video columns of a store but the features, (N, ...) each.

    Attributes:
        ids: SHA-256 of each file's bytes, (N, 32).
        checksums: SHA-256 of each row's bytes in ``feats``, (N, 32).
        paths: ``os.fsencode``, relative to the store's root, N of them.
        labels: Multi-hot, (N, C).
        label_names: C names.
        split: :class:`Split` numbers, (N,).
        status: :class:`Status` numbers, (N,).
        reader: :class:`Reader` numbers, (N,).
        duration: Seconds, (N,).
        fps: (N,).
        width: (N,).
        height: (N,).
        frames: Shown frames, (N,).
        size: Bytes of each file, (N,).
        mtime_ns: (N,).
    """

    ids: npt.NDArray[np.uint8]
    checksums: npt.NDArray[np.uint8]
    paths: tuple[bytes, ...]
    labels: npt.NDArray[np.uint8]
    label_names: tuple[str, ...]
    split: npt.NDArray[np.uint8]
    status: npt.NDArray[np.uint8]
    reader: npt.NDArray[np.uint8]
    duration: npt.NDArray[np.float64]
    fps: npt.NDArray[np.float64]
    width: npt.NDArray[np.int32]
    height: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    mtime_ns: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"VideoTable({len(self)} videos, {len(self.label_names)} labels)"

    def names_of(self, row: int) -> tuple[str, ...]:
        """Return the label names of one row."""
        return tuple(self.label_names[i] for i in np.flatnonzero(self.labels[row]))
