"""Read all packets of a stream, or the table of them that its container has.

Such a table is believed only if nothing about it or about the packets' bytes is strange.
"""

from __future__ import annotations

import os
from collections.abc import Callable
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
from .block_table import block_batches, has_blocks
from .container import Heartbeat, open_container
from .gaps import TIGHT, GapCheck
from .libav_log import LibavLog
from .packet_columns import PacketColumns
from .packet_rows import BATCH_BYTES, OVERHEAD, PacketRows, film_packets, sample_batches
from .sample_table import Samples, has_sample_table, sample_table

MISSING = 0.9  # below this fraction of the header's duration the file is truncated
# A picture of these needs all pictures before it, whatever their container says.
CHAINED = {"gif"}


class PacketReader:
    """Reads the packets of one stream once.

    Args:
        path: The open file.
        limits: How many frames it may have.
        heartbeat: Called often.
        log: What libav says meanwhile.
        keep: Bytes of packets that are kept rather than read twice; a stream of more is read by
            its own table, where it has one.

    Attributes:
        codec: Libav's name.
        kept: The packets, where they are small enough to be kept.
        reached: When the last of all streams' packets ends, in seconds, as far as it was read.
    """

    def __init__(
        self, path: Path, limits: DecodeLimits, heartbeat: Heartbeat, log: LibavLog, keep: int
    ) -> None:
        self._path, self._limits, self._heartbeat, self._log = path, limits, heartbeat, log
        self._size, self._keep = os.stat(path).st_size, keep
        self.codec, self.reached, self._bytes = "", 0.0, 0
        self.kept: list[Packet[Any]] = []

    def read(self, container: InputContainer, stream: VideoStream) -> PacketColumns:
        """Return what a long film's own table says, else what its packets do.

        Args:
            container: Open, at its beginning.
            stream: Of that container.

        Raises:
            VideoError: ``LIMIT`` for too many frames, ``CHANGED`` for a file that grows.
        """
        context = stream.codec_context  # whose own name is the decoder's, such as libdav1d
        self.codec, self._extradata = context.codec.canonical_name, context.extradata or b""
        self._transport = container.format.name == "mpegts"
        read = _table_reader(container, stream)
        if self._size <= self._keep or read is None:
            return self._read_packets(container, stream)
        told = len(self._log.lines)
        columns = read(self, container, stream)
        if columns is None:  # some packets were read, so the container is not at its beginning
            self.reached = 0.0
            with open_container(self._path) as again:
                self._log.errors()
                del self._log.lines[told:]  # the packets will say so
                columns = self._read_packets(again, stream)
            self.kept.clear()  # they were the other container's
        return columns

    def _no_columns(self) -> PacketColumns:
        chained = self.codec in CHAINED
        return PacketColumns(
            self.codec, self._extradata, transport=self._transport, chained=chained
        )

    def _read_samples(self, container: InputContainer, stream: VideoStream) -> PacketColumns | None:
        """Return what the table says, and check the bytes that it points at."""
        samples, columns = sample_table(self._path, container, stream), self._no_columns()
        whole = samples is not None and self._take_samples(samples, columns)
        return columns if whole and not self._log.errors() else None

    def _take_samples(self, samples: Samples, columns: PacketColumns) -> bool:
        """Check all packets of a table; return whether they are sound and too many to be kept."""
        if samples.size.sum() <= self._keep:
            return False
        if len(samples.pos) > self._limits.frames:
            raise self._too_many()
        with open(self._path, "rb", buffering=0) as file:
            for batch in sample_batches(file, samples, reads=columns.checker.reads):
                if batch is None or columns.damaged:  # libav may know of more damage
                    return False
                self._heartbeat()
                columns.add(batch)
        return not columns.damaged

    def _read_blocks(self, container: InputContainer, stream: VideoStream) -> PacketColumns | None:
        """Return what the blocks of a Matroska file say, if nothing in it is strange."""
        columns = self._no_columns()
        with open(self._path, "rb", buffering=0) as file:
            for batch in block_batches(file, container, stream):
                if batch is None or columns.damaged:
                    return None
                self._heartbeat()
                if columns.count + len(batch) > self._limits.frames:
                    raise self._too_many()
                columns.add(batch)
        self.reached = columns.end * float(stream.time_base or 0)
        promised = (container.duration or 0) / av.time_base
        whole = self.reached >= MISSING * promised and not columns.damaged
        return columns if whole and not self._log.errors() else None

    def _read_packets(self, container: InputContainer, stream: VideoStream) -> PacketColumns:
        columns = self._no_columns()
        gaps = GapCheck(self._path) if _is_tight(container) else None
        ticks = np.array([float(one.time_base or 0) for one in container.streams])
        held: list[Packet[Any]] = []
        room, captured = BATCH_BYTES, self._log.captured
        try:
            for packet in container.demux():
                held.append(packet)
                if captured and self._log.errors():
                    columns.mark_damaged(columns.count + film_packets(held, stream.index))
                room -= packet.size + OVERHEAD
                if room < 0:
                    self._take(PacketRows(held, stream.index), columns, gaps, ticks)
                    held, room = [], BATCH_BYTES
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            columns.mark_damaged(columns.count + film_packets(held, stream.index))
        self._take(PacketRows(held, stream.index), columns, gaps, ticks)
        return columns

    def _take(
        self,
        rows: PacketRows,
        columns: PacketColumns,
        gaps: GapCheck | None,
        ticks: npt.NDArray[np.float64],
    ) -> None:
        """Add what came to the columns, and keep a small stream's packets."""
        self._heartbeat()
        self.reached = max(self.reached, rows.reached(ticks))
        if columns.count + len(rows.film) > self._limits.frames:
            raise self._too_many()
        batch = rows.batch(reads=columns.checker.reads)
        if (batch.pos >= self._size).any():
            raise VideoError(Status.CHANGED, "grows while it is read")
        if gaps is not None:
            for count in gaps.found(rows.pos, rows.size, columns.count + rows.before):
                columns.mark_damaged(count)
        columns.add(batch)
        self._bytes += int(batch.size.sum())
        if self._bytes > self._keep:
            self.kept.clear()
        else:
            self.kept += rows.film

    def _too_many(self) -> VideoError:
        return VideoError(Status.LIMIT, f"more than {self._limits.frames} frames")


TableReader = Callable[[PacketReader, InputContainer, VideoStream], PacketColumns | None]


def _table_reader(container: InputContainer, stream: VideoStream) -> TableReader | None:
    """Return what reads a container's own table of packets, if it has one."""
    if has_sample_table(container, stream):
        return PacketReader._read_samples
    return PacketReader._read_blocks if has_blocks(container, stream) else None


def _is_tight(container: InputContainer) -> bool:
    return any(name in container.format.name for name in TIGHT)
