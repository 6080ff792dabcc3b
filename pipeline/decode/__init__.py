"""Frames out of video files: exact, with fallbacks, in limited child processes."""

from .base import DecodeLimits, Decoder, FrameRequest
from .readers.ffmpeg_process import ffmpeg_program
from .sandbox.worker import DecodeWorker

__all__ = ["DecodeLimits", "DecodeWorker", "Decoder", "FrameRequest", "ffmpeg_program"]
