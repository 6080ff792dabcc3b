"""List a stream's frames from its packets alone, in one pass without decoding."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream

from ...options import DecodeLimits
from ...records import Status, VideoError
from . import clock
from .container import Heartbeat, exact
from .libav_log import LibavLog
from .packet_columns import UNKNOWN
from .packet_reader import MISSING, PacketReader
from .packet_table import NEAR, Flags, Indices, PacketTable, is_steady

KEEP = 16 << 20  # bytes of packets that are kept rather than read twice
RAW = ("h264", "hevc")
HOLE = 10  # frames; a longer pause was meant
# Their headers tell whether frames are shown in another order, and count them.
REORDERED = COUNTED = ("h264", "hevc")
CLOCKS = ("mpegts", "mpeg")  # whose times are those of a clock, which may jump
JOIN = 2  # a broken count of transport packets marks the packet before the one that it is in
SPARE = 1.1  # longest steps between frames that may lack at the end: the last frame's own
HOLES = 2  # in so few places of a constant rate packets were lost; more are its own way


class Scan:
    """One pass over the packets of a container, or its header where that tells as much.

    Args:
        path: The open file.
        limits: How many frames it may have.
        heartbeat: Called often.
        log: What libav says meanwhile.
        keep: Bytes of packets that are kept rather than read twice; a stream of more is read by
            its own table, where it has one.
    """

    def __init__(
        self,
        path: Path,
        limits: DecodeLimits,
        heartbeat: Heartbeat,
        log: LibavLog,
        *,
        keep: int = KEEP,
    ) -> None:
        self._path, self._limits, self._heartbeat, self._log = path, limits, heartbeat, log
        self._size = os.stat(path).st_size
        self._keep = keep
        self._suspects: list[int] = []

    def table(self, container: InputContainer, stream: VideoStream) -> PacketTable:
        """Return the table of a stream.

        Raises:
            VideoError: ``LIMIT`` for too many frames, ``CHANGED`` for a file that grows.
        """
        self._log.errors()  # messages while opening are no sign of damage
        reader = PacketReader(self._path, self._limits, self._heartbeat, self._log, self._keep)
        self._columns = reader.read(container, stream)
        self._kept, self._reached = reader.kept, reader.reached
        self._codec = reader.codec
        return self._finished(container, stream)

    def _check_counts(self, pts: Indices, start: Flags, restarts: Indices, usual: float) -> None:
        """Call packets damaged where transport packets are miscounted, but for parts joined.

        Counting begins anew in each part, which begins where decoding can start. A part that lacks
        frames at its end leaves a hole; whether its last frame is whole, decoding must tell.
        """
        for ordinal in self._columns.miscounted:
            join = ordinal + JOIN if start[ordinal + JOIN : ordinal + JOIN + 1].any() else 0
            if join and join not in restarts:
                before, behind = pts[max(0, join - NEAR) : join], pts[join : join + NEAR]
                hole = (int(behind.min()) - int(before.max())) / max(1.0, usual)
                join = join if hole <= 1.5 or hole >= HOLE else 0
            if join:
                self._suspects += range(ordinal, join)
            else:
                self._columns.damaged |= {max(0, ordinal - 1), ordinal, ordinal + 1}

    def _check_steps(self, pts: Indices, start: Flags, restarts: Indices) -> None:
        """Suspect holes in a constant frame rate: broadcasts lose packets without a trace.

        Where a clock starts anew, a part was cut between frames that stand in another order.
        """
        order = np.argsort(pts, kind="stable")
        steps = np.diff(pts[order])
        if is_steady(steps):
            lost = steps / np.median(steps)
            places = np.flatnonzero((lost > 1.5) & (lost < HOLE))
            ends = np.abs(order[places + 1][:, None] - restarts[None]) <= NEAR
            places = places[~ends.any(axis=1)]
            # One gap among reordered packets leaves several holes close together.
            if len(places) and 1 + int(np.sum(np.diff(places) > NEAR)) <= HOLES:
                for before, behind in zip(order[places], order[places + 1], strict=True):
                    self._suspect_hole(int(before), int(behind), start)

    def _suspect_hole(self, before: int, behind: int, start: Flags) -> None:
        """Suspect that packets were lost between two, unless the decoder will know."""
        counted = all(abs(behind - one) > NEAR for one in self._columns.miscounted)
        if start[min(before, behind) + 1 : behind + 1].any():  # counting begins anew behind it
            self._columns.damaged.add(before)
        elif counted and self._codec in COUNTED:
            self._suspects.append(behind)
        else:
            self._columns.damaged.add(behind)

    def _shift_after_loss(self, pts: Indices, stream: VideoStream) -> Indices:
        """Return avi's times with what its header counts more than came, if one place lost it.

        An avi counts its chunks: one that damage hides shifts all that follow.
        """
        places = sorted(place for place in self._columns.damaged if place < len(pts))
        lost = stream.frames - 1 - int(pts.max(initial=-1))
        once = bool(places) and places[-1] - places[0] <= NEAR and places[-1] < len(pts) - 1
        if once and lost > 0 and (pts >= 0).all():
            return np.where(np.arange(len(pts)) >= places[-1], pts + lost, pts)
        return pts

    def _finished(self, container: InputContainer, stream: VideoStream) -> PacketTable:
        if os.stat(self._path).st_size > self._size:
            raise VideoError(Status.CHANGED, "grows while it is read")
        name, base = container.format.name, exact(stream.time_base) or Fraction(1, 90_000)
        told, dts, pos, start, closed, hidden = self._columns.columns()
        pts, end = told, self._columns.end
        timed = bool((pts != UNKNOWN).all())
        known = np.flatnonzero(dts != UNKNOWN) if timed else np.empty(0, np.int64)
        jumps = name in CLOCKS
        restarts = known[clock.restarts(dts[known], start[known], float(base), jumps=jumps)]
        if len(restarts):
            pts = np.rint(clock.continued(pts.astype(np.float64), restarts)).astype(np.int64)
            end = int(pts.max())
        steps = np.diff(np.sort(pts)) if timed else np.empty(0, np.int64)
        rate = _rate(container, stream)
        usual = float(np.median(steps)) if len(steps) else 1 / (rate * float(base))
        if timed and end <= pts[~hidden].max(initial=end - 1):
            end += round(usual)  # the last packet does not tell how long it stays
        if name == "mpegts":
            self._check_counts(pts, start, restarts, usual)
            self._check_steps(pts, start, restarts)
        truncation = ""
        if not len(restarts):  # else what the header counts is one part
            truncation = _truncation(container, stream, self._reached, end, steps)
        if name == "avi" and not truncation:
            pts = self._shift_after_loss(pts, stream)
        backward = known[1:][np.diff(dts[known]) < 0]
        reordered = self._codec in REORDERED and bool(stream.codec_context.has_b_frames)
        # Avi tells no frame's own time, and what was copied out of one does not, either.
        unordered = reordered and not start.all() and bool((np.diff(pts) > 0).all())
        return PacketTable(
            pts=pts if timed else pts[:0],
            dts=np.where(dts == UNKNOWN, told, dts),
            pos=pos,
            start=start,
            closed=closed,
            hidden=hidden,
            damaged=frozenset(place for place in self._columns.damaged if place < len(pts)),
            count=len(pts),
            packets=self._kept,
            time_base=base,
            end=end,
            rate=rate,
            truncation=truncation,
            suspects=tuple(self._suspects),
            restarts=tuple(restarts.tolist()),
            disordered=unordered or not set(backward.tolist()) <= set(restarts.tolist()),
            packed=self._columns.packed,
            orientation=self._columns.orientation,
        )


def _rate(container: InputContainer, stream: VideoStream) -> float:
    """Return frames per second; for raw streams from their headers, as libav assumes 25."""
    told = stream.codec_context.framerate if container.format.name in RAW else None
    return float(told or stream.guessed_rate or stream.average_rate or 25)


def _truncation(
    container: InputContainer,
    stream: VideoStream,
    reached: float,
    end: int,
    steps: npt.NDArray[Any],
) -> str:
    """Compare what came with the header, where a header speaks of the whole file or stream."""
    base = float(stream.time_base or 0)
    whole = (container.duration or 0) / av.time_base
    # Where packets have no length, the last frame may stay as long as any before it; a single one
    # for all that the header says, if any sound beside it is whole.
    single = len(container.streams) == 1 or reached >= MISSING * whole
    if container.format.name in ("matroska,webm", "flv"):
        promised = whole
    else:
        promised, reached = (stream.duration or 0) * base, end * base
        reached -= (stream.start_time or 0) * base
    longest = float(steps.max()) * base if len(steps) else promised * single
    if reached < MISSING * promised and promised - reached > SPARE * longest:
        return f"{reached:.2f} s of {promised:.2f} s are there"
    return ""
