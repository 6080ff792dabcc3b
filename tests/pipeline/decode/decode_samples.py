"""Clips of every container and codec, and a plain second way to decode them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import numpy as np

from chainpipe.pipeline.decode import DecodeLimits, FrameRequest, ffmpeg_program
from chainpipe.pipeline.decode.frames.pixels import Resizer, square

LIMITS = DecodeLimits()
REQUEST = FrameRequest(frames=25, size=64)
BY_PROGRAM = FrameRequest(frames=25, size=64, reader="ffmpeg")
X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
FILES = {
    "b-frames.mp4": (*X264, "-g", "250", "-bf", "3"),
    "short-gops.mp4": (*X264, "-g", "12", "-bf", "2"),
    "open-gops.mkv": (*X264, "-g", "24", "-bf", "3", "-x264-params", "open-gop=1"),
    "intra.mov": ("-c:v", "mjpeg", "-q:v", "3"),
    "fragmented.mp4": (*X264, "-g", "30", "-movflags", "frag_keyframe+empty_moov"),
    "offset.mkv": (*X264, "-g", "30", "-output_ts_offset", "3.3"),
    "vfr.mkv": (*X264, "-g", "30", "-vf", "select='not(mod(n,7))+lt(n,40)'", "-fps_mode", "vfr"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=40"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-g", "40", "-deadline", "realtime"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-g", "30", "-bf", "2"),
    "stream.ts": (*X264, "-g", "25"),
    "raw.h264": (*X264, "-g", "25"),
    "moving.gif": (),
    "open-gops.mp4": (*X264, "-g", "24", "-bf", "3", "-x264-params", "open-gop=1"),
    "intra-refresh.mkv": (*X264, "-g", "24", "-x264-params", "intra-refresh=1"),
    "vp8.webm": ("-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "8"),
    "live.webm": ("-c:v", "libvpx-vp9", "-g", "40", "-deadline", "realtime", "-live", "1"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-g", "15", "-bf", "2", "-b:v", "400k"),
    "mpeg2.mpg": ("-c:v", "mpeg2video", "-g", "15", "-bf", "2", "-b:v", "400k"),
    "hevc.ts": ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=40"),
    "flash.flv": ("-c:v", "flv", "-g", "30"),
    "h264.avi": (*X264, "-g", "30", "-bf", "2"),
    "av1.mp4": ("-c:v", "libsvtav1", "-preset", "12", "-g", "40"),
    "interlaced.ts": (*X264, "-g", "25", "-flags", "+ilme+ildct", "-x264-params", "tff=1"),
}


def all_frames(path: Path) -> list[av.VideoFrame]:
    """Decode everything of the first video track."""
    return track_frames(path, 0)


def track_frames(path: Path, track: int) -> list[av.VideoFrame]:
    """Decode everything of one video track."""
    with av.open(str(path)) as container:
        container.streams.video[track].thread_count = 1
        return list(container.decode(video=track))


def by_hand(frame: av.VideoFrame) -> np.ndarray:
    """Return a decoded frame as the request's pixels."""
    return square(frame, size=64, fit="crop", aspect=None, resizer=Resizer())


def convert(source: Path, target: Path, *arguments: str, before: tuple[str, ...] = ()) -> Path:
    """Run ffmpeg from one file to another."""
    command = [ffmpeg_program(), "-v", "error", "-y", *before, "-i", f"file:{source}", *arguments]
    subprocess.run([*command, f"file:{target}"], check=True, stdin=subprocess.DEVNULL)
    return target


def frames_by_ffmpeg(path: Path, track: int = 0) -> int:
    """Count the frames that ffmpeg decodes of one video track, none dropped or repeated."""
    command = [ffmpeg_program(), "-v", "quiet", "-i", f"file:{path}", "-map", f"0:v:{track}"]
    listed = subprocess.run(
        [*command, "-fps_mode", "passthrough", "-f", "framecrc", "-"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.splitlines()
    return sum(not line.startswith("#") for line in listed)
