"""What is asked of a decoder, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.records import Frames


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """Which moments of a video, as which pixels.

    Attributes:
        frames: T, how many frames.
        by: ``index`` (middles of T equal runs of frames) or ``time`` (middles of the duration).
        size: Side of the square output in pixels.
        fit: ``crop`` (shorter side to ``size``, centre crop), ``squash`` or ``pad``.
    """

    frames: int
    by: str = "index"
    size: int = 224
    fit: str = "crop"


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one video may cost.

    Attributes:
        memory: Address space of a decode child, bytes.
        pixels: Width times height of a frame.
        cpu_seconds: CPU time of one video; half its duration is added.
        silence_seconds: Wall-clock time without any answer.
    """

    memory: int = 4 << 30
    pixels: int = 35_400_000
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
