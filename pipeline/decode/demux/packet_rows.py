"""Batches of packets: out of a demuxer's hands, or out of a file by its own table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import FileIO
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from av.packet import Packet

from .packet_batch import PADDING, Bytes, PacketBatch
from .packet_columns import UNKNOWN
from .sample_table import Samples

BATCH_BYTES = 1 << 22  # that lie in a processor's cache
OVERHEAD = 256  # bytes that a packet takes beside its own


class PacketRows:
    """Packets of all streams as they came, and which of them are the film's.

    Args:
        packets: As they came.
        index: Of the film's stream.

    Attributes:
        film: The film's packets that are not empty, (n,).
        pos: Byte positions of all packets, -1 where unknown, (m,).
        size: Bytes of all packets, (m,).
        before: How many of the film's packets came before each, (m,).
    """

    def __init__(self, packets: Sequence[Packet[Any]], index: int) -> None:
        told = list(map(_COMMON, packets))
        try:
            columns = np.fromiter(chain.from_iterable(told), np.int64, 5 * len(told))
        except TypeError:  # something is unknown
            columns = np.array([_known(row) for row in told], np.int64)
        self._stream, self.size, self.pos, self._pts, self._duration = columns.reshape(-1, 5).T
        ours = (self._stream == index) & (self.size > 0)
        self._places = np.flatnonzero(ours)
        self.before = np.cumsum(ours) - ours
        self.film = [packets[place] for place in self._places.tolist()]

    def reached(self, ticks: npt.NDArray[np.float64]) -> float:
        """Return when the last of the packets ends, in seconds; 0 if before that.

        Args:
            ticks: Seconds of each stream's time base.
        """
        known = self._pts != UNKNOWN
        ends = (self._pts + self._duration)[known] * ticks[self._stream[known]]
        return float(ends.max(initial=0.0))

    def batch(self, *, reads: bool) -> PacketBatch:
        """Return the film's packets as a batch.

        Args:
            reads: Whether their bytes are wanted, too.
        """
        ours, size = self._places, self.size[self._places]
        decoded = [packet.dts for packet in self.film]
        if None in decoded:
            decoded = [UNKNOWN if time is None else time for time in decoded]
        joined = b"".join([*(self.film if reads else ()), bytes(PADDING)])
        return PacketBatch(
            self._pts[ours],
            np.array(decoded, np.int64),
            self.pos[ours],
            size,
            self._duration[ours],
            np.array([packet.is_keyframe for packet in self.film], bool),
            np.array([packet.is_discard for packet in self.film], bool),
            np.array([packet.is_corrupt for packet in self.film], bool),
            np.frombuffer(joined, np.uint8),
            np.cumsum(size) - size if reads else np.zeros_like(size),
        )


_COMMON = attrgetter("stream_index", "size", "pos", "pts", "duration")


def _known(row: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Return what a packet tells, with something else for what it does not."""
    stream, size, pos, pts, duration = row
    return stream, size, -1 if pos is None else pos, UNKNOWN if pts is None else pts, duration or 0


def film_packets(packets: Sequence[Packet[Any]], index: int) -> int:
    """Return how many packets of a stream are not empty."""
    return sum(packet.stream_index == index and packet.size > 0 for packet in packets)


def sample_batches(file: FileIO, samples: Samples, *, reads: bool) -> Iterator[PacketBatch | None]:
    """Yield the packets of a table; ``None`` where the file ends before one does.

    Args:
        file: Unbuffered.
        samples: Its table.
        reads: Whether the bytes of packets are wanted, too.
    """
    ends = samples.pos + samples.size
    buffer = np.zeros(BATCH_BYTES + PADDING, np.uint8)
    data, first, count = buffer[:PADDING], 0, len(ends)
    while first < count:
        begin = int(samples.pos[first])
        behind = count
        if reads:
            fitting = int(np.searchsorted(ends, begin + BATCH_BYTES, side="right"))
            behind = max(first + 1, fitting)
            end = int(ends[behind - 1])
            buffer = _read(file, begin, end, buffer)
            if not len(buffer):
                yield None
                return
            data = buffer[: end - begin + PADDING]
        yield _part(samples, slice(first, behind), data, begin if reads else -1)
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
