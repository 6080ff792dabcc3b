"""Requests to a decoder and its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..options import DecodeOptions, SamplingOptions, ViewOptions
from ..records import Frames, StreamedFrames


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """Which moments of a video, as which pixels.

    Attributes:
        frames: T, how many frames, or segments.
        by: ``index`` (moments counted in frames) or ``time`` (in seconds of the duration).
        size: Side of the square output in pixels.
        fit: ``crop`` (shorter side to ``size``, centre crop), ``squash`` or ``pad``.
        sampling: ``uniform``, ``segment``, ``random``, ``consecutive`` or ``keyframe``, see
            ``pipeline.decode.frame_sampling``.
        per_segment: M, further frames of each segment; 0 for none.
        views: V, spatially augmented views of the clip; 0 for none.
        views_mode: ``consistent`` (one draw for all frames of a clip) or ``per-frame``.
        augmentation: What views are drawn from: the line of a ``Augmentation``.
        seed: Of this video's draws.
        reader: ``auto``, or one reader by name: ``exact``, ``linear`` or ``ffmpeg``.
        hwaccel: Hardware decoder of the ffmpeg program (``cuda``, ``vaapi`` ...); empty for none.
        every: Seconds between two moments, in place of T moments; 0 for T of them.
        resize: ``bilinear`` or ``bicubic``; both with antialiasing.
        pictures: Whether a still picture is read, too, as a video of one frame.
        moments: Seconds of the wanted frames, rising, T of them; empty for sampled ones.
    """

    frames: int
    by: str = SamplingOptions.by
    size: int = 224
    fit: str = DecodeOptions.fit
    sampling: str = SamplingOptions.sampling
    per_segment: int = SamplingOptions.per_segment
    views: int = ViewOptions.views
    views_mode: str = ViewOptions.views_mode
    augmentation: str = ViewOptions.augmentation
    seed: int = SamplingOptions.seed
    reader: str = DecodeOptions.reader
    hwaccel: str = DecodeOptions.hwaccel
    every: float = SamplingOptions.every
    resize: str = "bilinear"
    pictures: bool = False
    moments: tuple[float, ...] = ()


TakePicture = Callable[[Sequence[npt.NDArray[np.uint8]], tuple[int, int]], None]
"""Takes one frame as its squares by size, and the width and height of the video as shown."""


class Decoder(Protocol):
    """Turns a file into frames."""

    def read(self, path: Path, request: FrameRequest) -> Frames:
        """Decode the asked frames of one file.

        Raises:
            VideoError: If the file gives no frames; its status says why.
        """
        ...

    def read_sizes(
        self, path: Path, request: FrameRequest, sizes: Sequence[int]
    ) -> tuple[Frames, ...]:
        """Decode once and return the asked frames once for each output size, in place of its own.

        Raises:
            VideoError: If the file gives no frames; its status says why.
        """
        ...

    def stream(
        self, path: Path, request: FrameRequest, sizes: Sequence[int], take: TakePicture
    ) -> StreamedFrames:
        """Decode once and hand on each picture as it is made: a film does not fit in memory.

        Args:
            path: The file.
            request: Which frames.
            sizes: Sides of the squares, in place of the request's.
            take: Called for each picture; some may not be among the asked ones in the end.

        Raises:
            VideoError: If the file gives no frames; its status says why.
        """
        ...
