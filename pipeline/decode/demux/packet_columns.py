"""What a pass over a stream says of its packets, column by column, batch by batch."""

from __future__ import annotations

import numpy as np

from .orientation import Matrix, told_orientation
from .packet_batch import BatchChecker, Flags, Indices, PacketBatch

UNKNOWN = -(1 << 63)


class PacketColumns:
    """Collects batches of packets in decoding order, and what their bytes say.

    Args:
        codec: Libav's name.
        extradata: The codec's header.
        transport: Whether the container counts transport packets, and calls a miscount damage.
        chained: A picture needs all pictures before it: only the first is a start.

    Attributes:
        count: Packets so far.
        damaged: Ordinals of packets that are broken from outside.
        miscounted: Ordinals of packets that seem whole, but were miscounted.
        packed: Whether packets hold further frames.
        orientation: Display matrix that the first start tells, or ``None``.
        end: When the last shown frame ends, in the time base; 0 if before that.
        checker: Checks the packets.
    """

    def __init__(self, codec: str, extradata: bytes, *, transport: bool, chained: bool) -> None:
        self._codec = codec, extradata
        self._transport, self._chained = transport, chained
        self._parts: list[tuple[Indices, Indices, Indices, Flags, Flags, Flags]] = []
        self._started = False
        self.checker = BatchChecker(codec, extradata)
        self.count, self.end = 0, 0
        self.damaged: set[int] = set()
        self.miscounted: list[int] = []
        self.packed = False
        self.orientation: Matrix | None = None

    def mark_damaged(self, count: int) -> None:
        """Note that the container is damaged hereabouts: what came last and what comes next.

        Args:
            count: Packets that came before the damage.
        """
        self.damaged |= {max(0, count - 1), count}

    def add(self, batch: PacketBatch) -> None:
        """Append the next packets."""
        if not len(batch):
            return
        checked = self.checker(batch)
        self.packed |= checked.packed
        counted = batch.corrupt & checked.complete if self._transport else np.zeros_like(batch.key)
        self.miscounted += (self.count + np.flatnonzero(counted)).tolist()
        broken = (batch.corrupt | ~checked.complete) & ~counted
        for place in np.flatnonzero(broken).tolist():
            # What spoilt its beginning may have spoilt the end of the one before, which shows less.
            self.mark_damaged(self.count + place)
        start = batch.key & checked.random_access
        if self._chained:
            start &= self.count + np.arange(len(batch)) == 0
        if not self._started and start.any():
            self._started = True
            self.orientation = told_orientation(*self._codec, batch.packet(int(start.argmax())))
        hidden = batch.discard | ~checked.displayed
        shown = ~hidden & (batch.pts != UNKNOWN)
        self.end = max(self.end, int((batch.pts + batch.duration)[shown].max(initial=0)))
        closed = batch.key & checked.closed
        self._parts.append((batch.pts, batch.dts, batch.pos, start, closed, hidden))
        self.count += len(batch)

    def columns(self) -> tuple[Indices, Indices, Indices, Flags, Flags, Flags]:
        """Return pts, dts, pos, start, closed and hidden of all packets, each (P,)."""
        none = np.empty(0, np.int64), np.empty(0, bool)
        parts = [(none[0],) * 3 + (none[1],) * 3, *self._parts]
        pts, dts, pos, start, closed, hidden = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        return pts, dts, pos, start, closed, hidden
