"""Frames out of video files: exact, with fallbacks, in limited child processes."""

from pipeline.decode.base import DecodeLimits, Decoder, FrameRequest
from pipeline.decode.program import ffmpeg_program
from pipeline.decode.worker import DecodeWorker

__all__ = ["DecodeLimits", "DecodeWorker", "Decoder", "FrameRequest", "ffmpeg_program"]
