"""The exact reader: from each needed start, decode only what others refer to and what is asked.

Frames that no other frame refers to are skipped undecoded unless they are asked for, which leaves
every other frame bit for bit as a full decode makes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ..demux.container import Heartbeat
from ..demux.libav_log import LibavLog
from ..demux.packet_table import Indices, PacketTable
from ..demux.packets import OutOfSyncError, Packets
from ..frame_sampling import nearest
from ..frames.render import RenderedFrame, RenderFrame

# Where the two fields of a picture may be in two packets, packets do not count frames.
FIELDS = ("mpegts", "mpeg", "h264", "avi")
MAX_ROUNDS = 12  # each finds damage that the one before could not know of
MISSED_FRAME = "Frame num gap"  # what libav says of H.264, though it does not call it an error
MAX_SUSPECTS = 8  # of so many, what decodes without a complaint clears the others
# Said where one starts amid a stream: pictures that are to be forgotten were never there.
NOTHING_TO_FORGET = "mmco: unref short failure"


@dataclass(slots=True)
class DecodeRun:
    """Packets to decode in one go.

    Attributes:
        first: Ordinal of the start.
        targets: Ordinals of the asked frames.
    """

    first: int
    targets: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class PacketTag:
    """Says of which packet a frame is.

    PyAV keeps such objects by their address: a plain number, which may be shared, would be lost.
    """

    ordinal: int


class ExactReader:
    """Decodes asked frames of one open file.

    Args:
        container: Its packets were read to the end once, for the table.
        stream: Of that container.
        table: Of that stream.
        render: Turns a frame into what is kept of it.
        heartbeat: Called often.
        log: What libav says meanwhile.

    Attributes:
        bad: Ordinals of packets that are damaged, from outside or inside.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        table: PacketTable,
        render: RenderFrame,
        heartbeat: Heartbeat,
        log: LibavLog,
    ) -> None:
        self._container, self._stream, self._table = container, stream, table
        self._render, self._heartbeat, self._log = render, heartbeat, log
        self.bad = set(table.damaged)
        self._kept: dict[int, RenderedFrame] = {}
        self._packets = Packets(container, stream, table)
        self._last_pts = 0

    def read(self, indices: Indices) -> tuple[Indices, dict[int, RenderedFrame]]:
        """Decode frames by number; one that damage spoils is replaced by the nearest sound one.

        Args:
            indices: Wanted, (n,).

        Returns:
            The numbers that stand for the wanted ones, (n,), and their pictures by number.

        Raises:
            OutOfSyncError: If frames do not come out as the table says, or nothing is sound.
        """
        for _ in range(MAX_ROUNDS):
            table = self._table
            intact = np.flatnonzero(table.intact(frozenset(self.bad)))
            if len(intact) == 0:
                raise OutOfSyncError("no frame is sound")
            given = intact[nearest(intact, indices)]
            ordinals = table.ordinals[given]
            missing = {int(ordinal) for ordinal in ordinals} - self._kept.keys()
            if not missing:
                kept = {int(n): self._kept[int(o)] for n, o in zip(given, ordinals, strict=True)}
                return given, kept
            before = len(self.bad), len(self._table.starts)
            for run in _runs(table, missing):
                self._decode_run(run)
            if missing - self._kept.keys() and before == (len(self.bad), len(self._table.starts)):
                raise OutOfSyncError("frames did not come out")
        raise OutOfSyncError("damage everywhere")

    def checked(self) -> PacketTable:
        """Decode up to what is suspected and return the table with what proves damaged."""
        table = self._table
        shown = [o for o in table.suspects if table.decode_starts[o] >= 0 and not table.hidden[o]]
        damaged = set(table.damaged)
        for run in _runs(table, shown[:MAX_SUSPECTS]):
            bad: int | None = run.first
            with self._log.searching(MISSED_FRAME) as missed, suppress(OutOfSyncError):
                _, bad = self._frames_of(run)
            if bad is not None or missed:
                damaged |= run.targets | ({bad} if bad is not None else set())
        return replace(table, damaged=frozenset(damaged), suspects=())

    def _decode_run(self, run: DecodeRun) -> None:
        found, bad = self._frames_of(run)
        if bad is not None:
            self._note_failure(run.first, bad)
        limit = self._table.count if bad is None else bad
        self._kept |= {ordinal: shown for ordinal, shown in found.items() if ordinal < limit}

    def _note_failure(self, first: int, bad: int) -> None:
        """Attribute the error to the packet, or to a false random-access point."""
        if self._table.closed[first] or first == self._table.starts[0]:
            self.bad.add(bad)
            return
        start = self._table.start.copy()
        start[first] = False
        self._table = replace(self._table, start=start)

    def _frames_of(self, run: DecodeRun) -> tuple[dict[int, RenderedFrame], int | None]:
        """Return the pictures of a run, and the ordinal where it broke."""
        context, left = self._stream.codec_context, set(run.targets)
        found: dict[int, RenderedFrame] = {}
        broken: list[int] = []
        self._last_pts = -(1 << 63)
        self._log.errors()
        for ordinal, packet in self._packets.since(run.first):
            self._heartbeat()
            if self._table.decode_starts[ordinal] < run.first:
                continue  # a leading frame, which refers to frames before this start
            _skip(context, everything=ordinal in left or packet.is_keyframe)
            packet.opaque = PacketTag(ordinal)
            self._collect(packet, run, found, broken, ordinal)
            left.discard(ordinal)
            if broken or not left:
                break
        _skip(context, everything=True)
        self._collect(None, run, found, broken, run.first)
        context.flush_buffers()
        return found, min(broken, default=None)

    def _collect(
        self,
        packet: Packet[VideoStream] | None,
        run: DecodeRun,
        found: dict[int, RenderedFrame],
        broken: list[int],
        ordinal: int,
    ) -> None:
        """Decode one packet, keep targets, note where damage shows."""
        try:
            frames = self._stream.codec_context.decode(packet)
        except av.error.EOFError:
            return
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            frames = []
            broken.append(ordinal)
        for frame in frames:
            if not isinstance(frame.opaque, PacketTag):
                raise OutOfSyncError("a frame does not say which packet it is of")
            place = frame.opaque.ordinal
            self._check_order(place)
            if frame.is_corrupt:
                broken.append(place)
            if place in run.targets:
                self._check_fields(frame)
                found[place] = self._render(frame)
        errors = self._log.errors()
        if any(self._table.closed[run.first] or NOTHING_TO_FORGET not in words for words in errors):
            broken.append(ordinal)

    def _check_order(self, place: int) -> None:
        shown = int(self._table.pts[place])
        if shown <= self._last_pts:
            raise OutOfSyncError("frames came out with times that do not rise")
        self._last_pts = shown

    def _check_fields(self, frame: VideoFrame) -> None:
        name = self._container.format.name
        if frame.interlaced_frame and self._stream.codec_context.name == "h264" and name in FIELDS:
            raise OutOfSyncError("a picture's two fields may be two packets")


def _runs(table: PacketTable, ordinals: Iterable[int]) -> list[DecodeRun]:
    """Put targets behind their starts; a run that reaches the next one's start goes on."""
    runs: list[DecodeRun] = []
    for first, ordinal in sorted((int(table.decode_starts[o]), o) for o in ordinals):
        if not runs or first > max(runs[-1].targets):
            runs.append(DecodeRun(first))
        runs[-1].targets.add(ordinal)
    return runs


def _skip(context: av.VideoCodecContext, *, everything: bool) -> None:
    """Decode everything, or only what other frames refer to."""
    wish: Literal["DEFAULT", "NONREF"] = "DEFAULT" if everything else "NONREF"
    if context.skip_frame != wish:
        context.skip_frame = wish
