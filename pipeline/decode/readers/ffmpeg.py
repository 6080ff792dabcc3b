"""The last reader: an ffmpeg program, for what the built-in decoder cannot open or hardware can.

It lists the packets, decodes once and selects frames by number; a list of what was decoded comes
out beside the pictures. Where that list does not agree with the packets, it decodes once more.
Of a damaged file it gives what the program makes of it: every picture is of its number, but unlike
the built-in readers it cannot detect which of them are damaged.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from ...options import DecodeLimits
from ...records import Status, VideoError
from ..demux.clock import mended
from ..demux.container import Heartbeat, refuse_playlist
from ..demux.packet_columns import UNKNOWN
from ..demux.packet_table import Indices, is_steady
from ..frames.render import RenderedFrame, RenderFrame
from ..frames.tone_mapping import HDR
from .ffmpeg_process import Sink, input_arguments, run_program
from .preview import Preview

MAX_LIST_BYTES = 64 << 20  # bytes that a list of frames may have
MAX_LISTED = 90  # frames that one filter may name (100 at most); of more, all come and are chosen
STREAM = ["-an", "-sn", "-dn", "-fps_mode", "passthrough"]
LIST = ["-f", "framecrc"]
# Untold, so that none of it, however rare, keeps a frame from being converted.
UNTOLD = "setparams=color_primaries=unknown:color_trc=unknown"
SQUARE = "scale=trunc(iw*sar+0.5):ih,setsar=1"


@dataclass(slots=True)
class FrameList:
    """The frames or packets that a program lists.

    Attributes:
        pts: Times, (n,), in ticks, rising.
        tick: Seconds.
        length: Of the last, in ticks.
        timed: Whether all have times of their own; else they are counted.
    """

    pts: Indices
    tick: Fraction
    length: int
    timed: bool

    @property
    def seconds(self) -> npt.NDArray[np.float64]:
        """When each is shown, from the first, (n,)."""
        told = np.asarray((self.pts - self.pts[:1]) * float(self.tick), np.float64)
        seconds = mended(told)
        return told if seconds is None else seconds - seconds[:1]

    @property
    def duration(self) -> float:
        """Seconds to the end of the last."""
        return float((int(self.pts[-1]) - int(self.pts[0]) + self.length) * self.tick)

    def filled(self) -> FrameList:
        """Return the same with what is missing in a constant frame rate."""
        steps = np.diff(self.pts)
        if not self.timed or not is_steady(steps):
            return self
        whole = np.maximum(1, np.rint(steps / np.median(steps)).astype(np.int64))
        places = np.concatenate([[0], np.cumsum(whole)])
        pts = np.rint(np.interp(np.arange(places[-1] + 1), places, self.pts)).astype(np.int64)
        return replace(self, pts=pts)


class FfmpegReader:
    """Reads one file by an ffmpeg program.

    Args:
        path: The file.
        limits: Pixels and frames that it may have.
        render: Turns a frame into what is kept of it.
        heartbeat: Called often.
        hwaccel: Hardware decoder, or nothing.
        seen: What the built-in decoder knows of the file; HDR comes in 16 bits.

    Attributes:
        stderr: What the program said.
        command: Its command line.
    """

    def __init__(
        self,
        path: Path,
        limits: DecodeLimits,
        render: RenderFrame,
        heartbeat: Heartbeat,
        hwaccel: str,
        seen: Preview,
    ) -> None:
        refuse_playlist(path)
        self._transfer = seen.transfer
        self._untold = UNTOLD + (f":colorspace={seen.matrix}" if seen.matrix else "")
        self._limits, self._render, self._heartbeat = limits, render, heartbeat
        # Frames are turned by the renderer, where it knows how: all of them alike.
        turns = seen.orientation is None
        self._input = input_arguments(path, limits, hwaccel, autorotate=turns)
        track = "0:V:0" if seen.index < 0 else f"0:{seen.index}"
        self._stream = ["-map", track, *STREAM]
        self.stderr, self.command = "", " ".join([*self._input, *self._stream])

    def packets(self) -> FrameList:
        """List the packets in presentation order, without decoding.

        Raises:
            VideoError: If there are none, or too many.
        """
        lines = _FramecrcParser(self._limits.frames)
        self._run((["-c:v", "copy", *LIST], lines))
        frame_list = lines.listing()
        if frame_list is None:
            raise self.failure(Status.CORRUPT, "no packet could be read")
        return frame_list

    def frames(self, indices: Indices, tick: Fraction) -> tuple[list[RenderedFrame], FrameList]:
        """Decode everything once; return frames by number and the list of all.

        Args:
            indices: Rising and distinct, (n,). Those that do not come out are left out.
            tick: In which the list is to count, in seconds.

        Raises:
            VideoError: If no frame comes out.
        """
        lines, parser = (
            _FramecrcParser(self._limits.frames),
            _PpmParser(self._render, indices, self._transfer, all_come=len(indices) > MAX_LISTED),
        )
        depth = "rgb48be" if self._transfer in HDR else "rgb24"
        listed = "" if len(indices) > MAX_LISTED else _selected(indices)
        shown = [
            "-vf",
            f"{listed}{self._untold},{SQUARE}",
            "-c:v",
            "ppm",
            "-pix_fmt",
            depth,
        ]
        # Of itself it would count in frames of a constant rate, which there may not be.
        ticks = ["-enc_time_base", str(tick)]
        listed_as = ["-c:v", "wrapped_avframe", *ticks, *LIST]
        self._run((listed_as, lines), ([*shown, *ticks, "-f", "image2pipe"], parser))
        frame_list = lines.listing()
        if frame_list is None:
            raise self.failure(Status.CORRUPT, "no frame could be decoded")
        return parser.pictures, frame_list

    def failure(self, status: Status, message: str) -> VideoError:
        """Return an error that says what was run and what it said."""
        words = self.stderr.splitlines()[-1:]
        message = f"{message}: {words[0][:200]}" if words else message
        return VideoError(status, message, command=self.command, stderr=self.stderr)

    def _run(self, *outputs: tuple[list[str], Sink]) -> None:
        sinks = [([*self._stream, *words], sink) for words, sink in outputs]
        self.stderr = run_program(self._input, sinks, self._heartbeat)


def _selected(indices: Indices) -> str:
    return "select='" + "+".join(f"eq(n,{number})" for number in indices) + "',"


@dataclass(slots=True)
class _FramecrcParser:
    """Takes a list in ffmpeg's framecrc form."""

    most: int
    buffer: bytearray = field(default_factory=bytearray)

    def __call__(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > MAX_LIST_BYTES:
            raise VideoError(Status.LIMIT, "too many frames for this reader")

    def listing(self) -> FrameList | None:
        """Return what was listed, in order of presentation, or None for nothing."""
        lines = self.buffer.decode(errors="replace").splitlines()
        rows = [line.split(",") for line in lines if line and not line.startswith("#")]
        ticks = [line.split(": ")[1] for line in lines if line.startswith("#tb 0: ")]
        if not rows or not ticks:
            return None
        if len(rows) > self.most:
            raise VideoError(Status.LIMIT, f"more than {self.most} frames")
        pts = np.sort(np.array([int(row[2]) for row in rows], np.int64))
        timed, length = bool((np.diff(pts) > 0).all()), int(rows[-1][3])
        if pts[0] == UNKNOWN:
            timed, pts = False, np.arange(len(pts)) * max(1, length)
        return FrameList(pts, Fraction(ticks[0]), length, timed)


class _PpmParser:
    """Takes pictures in PPM form, as many as were asked."""

    def __init__(
        self, render: RenderFrame, indices: Indices, transfer: int, *, all_come: bool
    ) -> None:
        self._render, self._most, self._buffer = render, len(indices), bytearray()
        self._transfer = transfer
        self._wanted = frozenset(indices.tolist()) if all_come else None
        self._number = 0  # of the next picture, where all come
        self.pictures: list[RenderedFrame] = []

    def __call__(self, data: bytes) -> None:
        self._buffer += data
        while self._take_picture():
            pass

    def _take_picture(self) -> bool:
        """Take one picture off what has come, if it is whole."""
        head = bytes(self._buffer[:64]).split(b"\n", 3)
        if len(head) < 4:
            return False
        width, height = map(int, head[1].split())
        begin = sum(len(line) + 1 for line in head[:3])
        deep = head[2] != b"255"
        end = begin + width * height * (6 if deep else 3)
        if len(self._buffer) < end:
            return False
        self._number += 1
        if self._wanted is not None and self._number - 1 not in self._wanted:
            del self._buffer[:end]
            return True
        if len(self.pictures) >= self._most:
            raise VideoError(Status.CRASHED, "ffmpeg gave more pictures than it was asked")
        rgb = np.frombuffer(bytes(self._buffer[begin:end]), np.uint8)
        del self._buffer[:end]
        if deep:
            wide = rgb.view(">u2").astype(np.uint16).reshape(height, width, 3)
            frame = VideoFrame.from_ndarray(wide, format="rgb48le")
        else:
            frame = VideoFrame.from_ndarray(rgb.reshape(height, width, 3), format="rgb24")
        frame.color_trc = self._transfer
        self.pictures.append(self._render(frame))
        return True
