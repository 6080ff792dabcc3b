"""List a stream's frames from its packets alone, in one pass without decoding."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from ...options import DecodeLimits
from ...records import Status, VideoError
from . import clock
from .bitstream import INTACT, PacketCheck, PacketChecker, packet_checker
from .container import Heartbeat, exact
from .libav_log import LibavLog
from .orientation import Matrix, told_orientation
from .packet_table import NEAR, Flags, Indices, PacketTable, is_steady

MISSING = 0.9  # below this fraction of the header's duration the file is truncated
UNKNOWN = -(1 << 63)
# A picture of these needs all pictures before it, whatever their container says.
CHAINED = {"gif"}
KEEP = 16 << 20  # bytes of packets that are kept rather than read twice
# These leave next to nothing between packets, but for indexes.
TIGHT = ("matroska", "avi")
RAW = ("h264", "hevc")
CHUNK_HEAD = 8  # bytes of an avi chunk before a packet's own
ROOM = 256  # bytes
HOLE = 10  # frames; a longer pause was meant
# Their headers tell whether frames are shown in another order, and count them.
REORDERED = COUNTED = ("h264", "hevc")
CLOCKS = ("mpegts", "mpeg")  # whose times are those of a clock, which may jump
JOIN = 2  # a broken count of transport packets marks the packet before the one that it is in
SPARE = 1.1  # longest steps between frames that may lack at the end: the last frame's own
HOLES = 2  # in so few places of a constant rate packets were lost; more are its own way


class Scan:
    """One pass over the packets of a container.

    Args:
        path: The open file.
        limits: How many frames it may have.
        heartbeat: Called often.
        log: What libav says meanwhile.
    """

    def __init__(
        self, path: Path, limits: DecodeLimits, heartbeat: Heartbeat, log: LibavLog
    ) -> None:
        self._path, self._limits, self._heartbeat, self._log = path, limits, heartbeat, log
        self._size = os.stat(path).st_size
        self._pts, self._dts, self._pos = array("q"), array("q"), array("q")
        self._start, self._closed, self._hidden = bytearray(), bytearray(), bytearray()
        self._damaged: set[int] = set()
        self._kept: list[Packet[Any]] = []
        self._kept_bytes = 0
        self._miscounted: list[int] = []
        self._suspects: list[int] = []
        self._packed = False
        self._orientation: Matrix | None = None
        self._end, self._reached, self._last_pos, self._last_end = 0, 0.0, -1, 0

    def table(self, container: InputContainer, stream: VideoStream) -> PacketTable:
        """Return the table of a stream.

        Raises:
            VideoError: ``LIMIT`` for too many frames, ``CHANGED`` for a file that grows.
        """
        tight = any(name in container.format.name for name in TIGHT)
        chained = stream.codec_context.name in CHAINED
        ticks = [float(one.time_base or 0) for one in container.streams]
        self._codec = stream.codec_context.name, stream.codec_context.extradata or b""
        self._transport = container.format.name == "mpegts"
        check = packet_checker(*self._codec)
        self._log.errors()  # messages while opening are no sign of damage
        for packet in self._packets(container):
            self._heartbeat()
            if packet.pts is not None:
                ended = (packet.pts + (packet.duration or 0)) * ticks[packet.stream_index]
                self._reached = max(self._reached, ended)
            if tight:
                self._check_gap(packet)
            if packet.stream_index == stream.index and packet.size:
                self._add_packet(packet, check, chained)
            if self._log.errors():
                self._mark_damaged()
        return self._finished(container, stream)

    def _packets(self, container: InputContainer) -> Iterator[Packet[Any]]:
        try:
            yield from container.demux()
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            self._mark_damaged()

    def _mark_damaged(self) -> None:
        """The container is damaged hereabouts: what came last and what comes next."""
        self._damaged |= {max(0, len(self._pts) - 1), len(self._pts)}

    def _add_packet(self, packet: Packet[Any], check: PacketChecker | None, chained: bool) -> None:
        ordinal = len(self._pts)
        if ordinal >= self._limits.frames:
            raise VideoError(Status.LIMIT, f"more than {self._limits.frames} frames")
        if packet.pos is not None and packet.pos >= self._size:
            raise VideoError(Status.CHANGED, "grows while it is read")
        checked = check(bytes(packet)) if check else INTACT
        if packet.is_corrupt and checked.complete and self._transport:
            self._miscounted.append(ordinal)
        elif packet.is_corrupt or not checked.complete:
            # What spoilt its beginning may have spoilt the end of the one before, which shows less.
            self._damaged |= {max(0, ordinal - 1), ordinal}
        start = checked.random_access and not (chained and ordinal)
        if start and packet.is_keyframe and 1 not in self._start:
            self._orientation = told_orientation(*self._codec, bytes(packet))
        self._packed |= checked.packed
        self._append(packet, checked, start=start)
        self._keep(packet)

    def _keep(self, packet: Packet[Any]) -> None:
        """Keep a small stream's packets, so that they need not be read twice."""
        self._kept_bytes += packet.size
        if self._kept_bytes > KEEP:
            self._kept.clear()
        else:
            self._kept.append(packet)

    def _check_gap(self, packet: Packet[Any]) -> None:
        """Suspect bytes between packets that nobody reads, in containers that leave none."""
        if packet.pos is None or packet.pos < 0:
            return
        if packet.pos == self._last_pos:  # several sounds laced into one block
            self._last_end += packet.size
            return
        if 0 < self._last_end < packet.pos - ROOM and not self._are_chunks(packet.pos):
            self._mark_damaged()
        self._last_pos, self._last_end = packet.pos, packet.pos + packet.size

    def _are_chunks(self, end: int) -> bool:
        """Return whether whole chunks fill the gap, as avi has for indexes and dropped frames."""
        at, end = self._last_end + self._last_end % 2, end - CHUNK_HEAD
        with open(self._path, "rb") as file:
            while at < end:
                file.seek(at)
                name, size = file.read(4), int.from_bytes(file.read(4), "little")
                if not name.isalnum():
                    return False
                at += 12 if name in (b"LIST", b"RIFF") else 8 + size + size % 2
        return at == end

    def _append(self, packet: Packet[Any], checked: PacketCheck, *, start: bool) -> None:
        pts = UNKNOWN if packet.pts is None else packet.pts
        hidden = packet.is_discard or not checked.displayed
        self._pts.append(pts)
        self._dts.append(UNKNOWN if packet.dts is None else packet.dts)
        self._pos.append(-1 if packet.pos is None else packet.pos)
        self._start.append(packet.is_keyframe and start)
        self._closed.append(packet.is_keyframe and checked.closed)
        self._hidden.append(hidden)
        if not hidden and pts != UNKNOWN:
            self._end = max(self._end, pts + (packet.duration or 0))

    def _check_counts(self, pts: Indices, start: Flags, restarts: Indices, usual: float) -> None:
        """Call packets damaged where transport packets are miscounted, but for parts joined.

        Counting begins anew in each part, which begins where decoding can start. A part that lacks
        frames at its end leaves a hole; whether its last frame is whole, decoding must tell.
        """
        for ordinal in self._miscounted:
            join = ordinal + JOIN if start[ordinal + JOIN : ordinal + JOIN + 1].any() else 0
            if join and join not in restarts:
                before, behind = pts[max(0, join - NEAR) : join], pts[join : join + NEAR]
                hole = (int(behind.min()) - int(before.max())) / max(1.0, usual)
                join = join if hole <= 1.5 or hole >= HOLE else 0
            if join:
                self._suspects += range(ordinal, join)
            else:
                self._damaged |= {max(0, ordinal - 1), ordinal, ordinal + 1}

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
        counted = all(abs(behind - one) > NEAR for one in self._miscounted)
        if start[min(before, behind) + 1 : behind + 1].any():  # counting begins anew behind it
            self._damaged.add(before)
        elif counted and self._codec[0] in COUNTED:
            self._suspects.append(behind)
        else:
            self._damaged.add(behind)

    def _shift_after_loss(self, pts: Indices, stream: VideoStream) -> Indices:
        """Return avi's times with what its header counts more than came, if one place lost it.

        An avi counts its chunks: one that damage hides shifts all that follow.
        """
        places = sorted(place for place in self._damaged if place < len(pts))
        lost = stream.frames - 1 - int(pts.max(initial=-1))
        once = bool(places) and places[-1] - places[0] <= NEAR and places[-1] < len(pts) - 1
        if once and lost > 0 and (pts >= 0).all():
            return np.where(np.arange(len(pts)) >= places[-1], pts + lost, pts)
        return pts

    def _finished(self, container: InputContainer, stream: VideoStream) -> PacketTable:
        if os.stat(self._path).st_size > self._size:
            raise VideoError(Status.CHANGED, "grows while it is read")
        name, base = container.format.name, exact(stream.time_base) or Fraction(1, 90_000)
        pts, dts = np.frombuffer(self._pts, np.int64), np.frombuffer(self._dts, np.int64)
        start = np.frombuffer(bytes(self._start), bool)
        hidden = np.frombuffer(bytes(self._hidden), bool)
        timed = bool((pts != UNKNOWN).all())
        known = np.flatnonzero(dts != UNKNOWN) if timed else np.empty(0, np.int64)
        jumps = name in CLOCKS
        restarts = known[clock.restarts(dts[known], start[known], float(base), jumps=jumps)]
        if len(restarts):
            pts = np.rint(clock.continued(pts.astype(np.float64), restarts)).astype(np.int64)
            self._end = int(pts.max())
        steps = np.diff(np.sort(pts)) if timed else np.empty(0, np.int64)
        rate = _rate(container, stream)
        usual = float(np.median(steps)) if len(steps) else 1 / (rate * float(base))
        if timed and self._end <= pts[~hidden].max(initial=self._end - 1):
            self._end += round(usual)  # the last packet does not tell how long it stays
        if self._transport:
            self._check_counts(pts, start, restarts, usual)
            self._check_steps(pts, start, restarts)
        truncation = ""
        if not len(restarts):  # else what the header counts is one part
            truncation = _truncation(container, stream, self._reached, self._end, steps)
        if name == "avi" and not truncation:
            pts = self._shift_after_loss(pts, stream)
        backward = known[1:][np.diff(dts[known]) < 0]
        reordered = self._codec[0] in REORDERED and bool(stream.codec_context.has_b_frames)
        # Avi tells no frame's own time, and what was copied out of one does not, either.
        unordered = reordered and not start.all() and bool((np.diff(pts) > 0).all())
        return PacketTable(
            pts=pts if timed else pts[:0],
            dts=np.where(dts == UNKNOWN, np.frombuffer(self._pts, np.int64), dts),
            pos=np.frombuffer(self._pos, np.int64),
            start=start,
            closed=np.frombuffer(bytes(self._closed), bool),
            hidden=hidden,
            damaged=frozenset(place for place in self._damaged if place < len(pts)),
            count=len(pts),
            packets=self._kept,
            time_base=base,
            end=self._end,
            rate=rate,
            truncation=truncation,
            suspects=tuple(self._suspects),
            restarts=tuple(restarts.tolist()),
            disordered=unordered or not set(backward.tolist()) <= set(restarts.tolist()),
            packed=self._packed,
            orientation=self._orientation,
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
