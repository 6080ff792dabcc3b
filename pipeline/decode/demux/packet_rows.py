"""Batches of packets: out of a demuxer's hands, or out of a file by its own table."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from io import FileIO
from typing import Any

import numpy as np
from av.packet import Packet

from .packet_batch import PADDING, Bytes, PacketBatch
from .packet_columns import UNKNOWN
from .sample_table import Samples

BATCH = 4096  # packets
BATCH_BYTES = 1 << 20  # that lie in a core's cache


class PacketRows:
    """Collects packets until they are enough for a batch.

    Args:
        reads: Whether their bytes are wanted, too.
    """

    def __init__(self, reads: bool) -> None:
        self._reads = reads
        self._clear()

    def _clear(self) -> None:
        self._numbers = [array("q") for _ in range(5)]
        self._flags = [bytearray() for _ in range(3)]
        self._held: list[Packet[Any] | bytes] = []
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def full(self) -> bool:
        """Whether a batch should be taken."""
        return self._bytes >= BATCH_BYTES or len(self._held) >= BATCH

    def append(self, packet: Packet[Any]) -> None:
        """Add the stream's next packet, which is not empty."""
        pts, dts, pos, size, duration = self._numbers
        key, discard, corrupt = self._flags
        told, decoded, place, count = packet.pts, packet.dts, packet.pos, packet.size
        pts.append(UNKNOWN if told is None else told)
        dts.append(UNKNOWN if decoded is None else decoded)
        pos.append(-1 if place is None else place)
        size.append(count)
        duration.append(packet.duration or 0)
        key.append(packet.is_keyframe)
        discard.append(packet.is_discard)
        corrupt.append(packet.is_corrupt)
        self._held.append(packet if self._reads else b"")
        self._bytes += count

    def taken(self) -> PacketBatch:
        """Return what was collected, and forget it."""
        pts, dts, pos, size, duration = (np.array(column) for column in self._numbers)
        key, discard, corrupt = (np.array(column, np.uint8) > 0 for column in self._flags)
        data = np.frombuffer(b"".join([*self._held, bytes(PADDING)]), np.uint8)
        at = np.cumsum(size) - size
        self._clear()
        return PacketBatch(pts, dts, pos, size, duration, key, discard, corrupt, data, at)


def sample_batches(file: FileIO, samples: Samples, *, reads: bool) -> Iterator[PacketBatch | None]:
    """Yield the packets of a table; ``None`` where the file ends before one does.

    Args:
        file: Unbuffered.
        samples: Its table.
        reads: Whether the bytes of packets are wanted, too.
    """
    ends = samples.pos + samples.size
    buffer = np.zeros(BATCH_BYTES + PADDING, np.uint8)
    first, count = 0, len(ends)
    while first < count:
        begin = int(samples.pos[first])
        behind = count
        if reads:
            fitting = int(np.searchsorted(ends, begin + BATCH_BYTES, side="right"))
            behind = max(first + 1, fitting)
            buffer = _read(file, begin, int(ends[behind - 1]), buffer)
            if not len(buffer):
                yield None
                return
        yield _part(samples, slice(first, behind), buffer, begin if reads else -1)
        first = behind


def _read(file: FileIO, begin: int, end: int, buffer: Bytes) -> Bytes:
    """Return a buffer that starts with a range of the file; an empty one if it is not there."""
    if len(buffer) < end - begin + PADDING:
        buffer = np.zeros(end - begin + PADDING, np.uint8)
    file.seek(begin)
    into = buffer[: end - begin].data
    while len(into):
        got = file.readinto(into)
        if not got:
            return buffer[:0]
        into = into[got:]
    return buffer


def _part(samples: Samples, part: slice, data: Bytes, begin: int) -> PacketBatch:
    pos, size = samples.pos[part], samples.size[part]
    return PacketBatch(
        samples.pts[part],
        samples.dts[part],
        pos,
        size,
        samples.duration[part],
        samples.key[part],
        samples.discard[part],
        np.zeros(len(pos), bool),
        data,
        pos - begin if begin >= 0 else np.zeros_like(pos),
    )
