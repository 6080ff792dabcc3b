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
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from ...options import DecodeLimits
from ...records import Status, VideoError
from .bitstream import INTACT, PacketCheck, PacketChecker, packet_checker
from .container import Heartbeat, exact
from .libav_log import LibavLog
from .packet_table import NEAR, Indices, PacketTable, is_steady

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
        self._end, self._reached, self._last_end = 0, 0.0, 0

    def table(self, container: InputContainer, stream: VideoStream) -> PacketTable:
        """Return the table of a stream.

        Raises:
            VideoError: ``LIMIT`` for too many frames, ``CHANGED`` for a file that grows.
        """
        check = packet_checker(stream.codec_context.name, stream.codec_context.extradata or b"")
        tight = any(name in container.format.name for name in TIGHT)
        chained = stream.codec_context.name in CHAINED
        ticks = [float(one.time_base or 0) for one in container.streams]
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
        if packet.is_corrupt or not checked.complete:
            # What spoilt its beginning may have spoilt the end of the one before, which shows less.
            self._damaged |= {max(0, ordinal - 1), ordinal}
        self._append(packet, checked, start=checked.random_access and not (chained and ordinal))
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
        if 0 < self._last_end < packet.pos - ROOM and not self._are_chunks(packet.pos):
            self._mark_damaged()
        self._last_end = packet.pos + packet.size

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
        self._dts.append(pts if packet.dts is None else packet.dts)
        self._pos.append(-1 if packet.pos is None else packet.pos)
        self._start.append(packet.is_keyframe and start)
        self._closed.append(packet.is_keyframe and checked.closed)
        self._hidden.append(hidden)
        if not hidden and pts != UNKNOWN:
            self._end = max(self._end, pts + (packet.duration or 0))

    def _check_steps(self, pts: Indices) -> None:
        """Suspect holes in a constant frame rate: broadcasts lose packets without a trace."""
        order = np.argsort(pts, kind="stable")
        steps = np.diff(pts[order])
        if is_steady(steps):
            lost = steps / np.median(steps)
            places = np.flatnonzero((lost > 1.5) & (lost < HOLE))
            # One gap among reordered packets leaves several holes close together.
            if len(places) and 1 + int(np.sum(np.diff(places) > NEAR)) <= HOLES:
                self._damaged |= set(order[places + 1].tolist())

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
        pts = np.frombuffer(self._pts, np.int64)
        if container.format.name == "mpegts":
            self._check_steps(pts)
        truncation = _truncation(container, stream, self._reached, self._end)
        if container.format.name == "avi" and not truncation:
            pts = self._shift_after_loss(pts, stream)
        return PacketTable(
            pts=pts if (pts != UNKNOWN).all() else pts[:0],
            dts=np.frombuffer(self._dts, np.int64),
            pos=np.frombuffer(self._pos, np.int64),
            start=np.frombuffer(bytes(self._start), bool),
            closed=np.frombuffer(bytes(self._closed), bool),
            hidden=np.frombuffer(bytes(self._hidden), bool),
            damaged=frozenset(place for place in self._damaged if place < len(pts)),
            count=len(pts),
            packets=self._kept,
            time_base=exact(stream.time_base) or Fraction(1, 90_000),
            end=self._end,
            rate=_rate(container, stream),
            truncation=truncation,
        )


def _rate(container: InputContainer, stream: VideoStream) -> float:
    """Return frames per second; for raw streams from their headers, as libav assumes 25."""
    told = stream.codec_context.framerate if container.format.name in RAW else None
    return float(told or stream.guessed_rate or stream.average_rate or 25)


def _truncation(container: InputContainer, stream: VideoStream, reached: float, end: int) -> str:
    """Compare what came with the header, where a header speaks of the whole file or stream."""
    if container.format.name in ("matroska,webm", "flv"):
        promised = (container.duration or 0) / av.time_base
    else:
        base = exact(stream.time_base) or Fraction(0)
        promised, reached = float((stream.duration or 0) * base), float(end * base)
        reached -= float((stream.start_time or 0) * base)
    if reached < MISSING * promised:
        return f"{reached:.2f} s of {promised:.2f} s are there"
    return ""
