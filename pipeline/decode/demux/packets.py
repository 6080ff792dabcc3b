"""Packets of an open file from any place on, each with its ordinal: jump there, or pass others."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from .packet_table import PacketTable

JUMPING = ("mov", "matroska")  # the others' jumps lose their place: packets are passed over
WORTH = 100  # packets that are rather passed over than jumped over


class OutOfSyncError(Exception):
    """The container or the decoder does not do as the table says."""


class Packets:
    """Gives a stream's packets from any place on, as often as asked.

    Args:
        container: Its packets were read to the end once, for the table, which may have kept them.
        stream: Of that container.
        table: Of that stream.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, table: PacketTable) -> None:
        self._container, self._stream, self._table = container, stream, table
        rising = bool((np.diff(table.pos) > 0).all()) and len(table.pos) > 0 and table.pos[0] >= 0
        rising = rising and not table.restarts  # a time that comes twice is no place to jump to
        self._jumps = rising and any(name in container.format.name for name in JUMPING)
        self._packets: Iterator[tuple[int, Packet[VideoStream]]] = iter(())
        self._next = table.count

    def since(self, first: int) -> Iterator[tuple[int, Packet[VideoStream]]]:
        """Yield packets with their ordinals from one on, after a jump where that is less work.

        Raises:
            OutOfSyncError: If their positions differ from the table.
        """
        if self._table.packets:
            yield from enumerate(self._table.packets[first:], first)
            return
        if self._jumps and not 0 <= first - self._next < WORTH:
            self._go_to(first)
        elif first < self._next:
            self._go_to(0)
        for ordinal, packet in self._packets:
            self._next = ordinal + 1
            if ordinal >= first:
                yield ordinal, packet

    def _go_to(self, first: int) -> None:
        # Matroska's index counts in presentation order, the others' in decoding order.
        by_pts = "matroska" in self._container.format.name
        time = int((self._table.pts if by_pts else self._table.dts)[first])
        try:
            self._container.seek(time, stream=self._stream, backward=True)
        except av.error.FFmpegError as error:
            raise OutOfSyncError(str(error)) from error
        self._next, self._packets = 0, self._placed(first)

    def _placed(self, first: int) -> Iterator[tuple[int, Packet[VideoStream]]]:
        """Number packets by their position in the file."""
        pos, ordinal = self._table.pos, -1
        for packet in demuxed(self._container, self._stream):
            place = -1 if packet.pos is None else packet.pos
            if ordinal < 0:
                ordinal = int(np.searchsorted(pos, place)) if self._jumps else 0
                if ordinal > first:
                    raise OutOfSyncError("the jump landed behind its start")
            if ordinal >= len(pos) or pos[ordinal] != place:
                raise OutOfSyncError("a packet lies where none lay before")
            yield ordinal, packet
            ordinal += 1


def demuxed(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Yield a stream's packets from the container's position, as far as it can be read."""
    try:
        yield from (packet for packet in container.demux(stream) if packet.size)
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        return  # the scan has noted where reading stops
