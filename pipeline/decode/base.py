"""What is asked of a decoder, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..records import Frames


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
        views: V, spatially augmented copies of the clip; 0 for none.
        views_mode: ``consistent`` (one draw for all frames of a clip) or ``per-frame``.
        augmentation: What views are drawn from: the line of a ``Augmentation``.
        seed: Of this video's draws.
        reader: ``auto``, or one reader by name: ``exact``, ``linear`` or ``ffmpeg``.
        hwaccel: Hardware decoder of the ffmpeg program (``cuda``, ``vaapi`` ...); empty for none.
    """

    frames: int
    by: str = "index"
    size: int = 224
    fit: str = "crop"
    sampling: str = "uniform"
    per_segment: int = 0
    views: int = 0
    views_mode: str = "consistent"
    augmentation: str = ""
    seed: int = 0
    reader: str = "auto"
    hwaccel: str = ""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one video may cost.

    Attributes:
        memory: Address space of a decode child, bytes.
        pixels: Width times height of a frame.
        frames: Shown frames.
        duration: Seconds from the first shown frame to the end of the last.
        cpu_seconds: CPU time of one video; half its duration is added.
        silence_seconds: Wall-clock time without any answer.
    """

    memory: int = 4 << 30
    pixels: int = 35_400_000
    frames: int = 10_000_000
    duration: float = 7 * 86_400.0
    cpu_seconds: float = 60.0
    silence_seconds: float = 30.0


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
