"""Frames out of video files: exact, with fallbacks, in limited child processes."""

from ..options import DecodeLimits
from .base import Decoder, FrameRequest
from .readers.ffmpeg_process import ffmpeg_program
from .sandbox.worker import DecodeWorker

__all__ = ["DecodeLimits", "DecodeWorker", "Decoder", "FrameRequest", "ffmpeg_program"]
