"""Frames out of video files: exact, with fallbacks, in limited child processes.

Its names are imported when they are used: the parent of the child needs no libav.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..options import DecodeLimits
    from .base import Decoder, FrameRequest
    from .readers.ffmpeg_process import ffmpeg_program
    from .sandbox.worker import DecodeWorker

_MODULES = {
    "DecodeLimits": "..options",
    "Decoder": ".base",
    "FrameRequest": ".base",
    "ffmpeg_program": ".readers.ffmpeg_process",
    "DecodeWorker": ".sandbox.worker",
}

__all__ = ["DecodeLimits", "DecodeWorker", "Decoder", "FrameRequest", "ffmpeg_program"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(importlib.import_module(_MODULES[name], __name__), name)
