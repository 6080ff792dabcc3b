"""The packet table: every frame of a stream, where decoding can start, and what is damaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from av.packet import Packet

from .orientation import Matrix

Indices = npt.NDArray[np.int64]
NEAR = 8  # packets between a gap in time and the damage that tore it, in decoding order
DEEPEST = 16  # frames that a codec may hold back to put them in order
STEADY = 0.9  # share of equal steps from which on a frame rate is called constant
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PacketTable:
    """Every packet of a stream in decoding order, from one pass without decoding.

    A packet's place in that order is its *ordinal*; a shown frame's place in presentation order is
    its *number*.

    Attributes:
        pts: Shown times, (P,), in the time base; empty where packets have none.
        dts: Decoding times, (P,), for jumping.
        pos: Byte position in the file, (P,).
        start: Decoding can start here, (P,).
        closed: It surely can: nothing behind it refers to anything before it, (P,).
        hidden: No frame comes out: an edit list's, or one that only others refer to, (P,).
        damaged: Ordinals of packets that are broken from outside.
        count: P, also where ``pts`` is empty.
        time_base: Seconds of one tick.
        end: When the last frame ends, in the time base.
        rate: Frames a second, as the header says.
        truncation: What the file lacks compared with its header, or nothing.
        suspects: Ordinals of packets that may lack their end, or some before them.
        restarts: Ordinals where the clock starts anew; ``pts`` goes on there, ``dts`` does not.
        disordered: Times are not the frames' own: one falls back, or they are in decoding order
            though the codec shows frames in another.
        packed: Packets hold frames that come out with others, so their times are not the frames'.
        orientation: Display matrix that the stream itself tells, or ``None``.
        packets: All P of them, where they are small enough to be kept.
    """

    pts: Indices
    dts: Indices
    pos: Indices
    start: Flags
    closed: Flags
    hidden: Flags
    damaged: frozenset[int]
    count: int
    time_base: Fraction
    end: int
    rate: float
    truncation: str = ""
    suspects: tuple[int, ...] = ()
    restarts: tuple[int, ...] = ()
    disordered: bool = False
    packed: bool = False
    orientation: Matrix | None = None
    packets: Sequence[Packet[Any]] = ()

    @cached_property
    def starts(self) -> Indices:
        """Ordinals where decoding can start, rising."""
        return np.flatnonzero(self.start)

    @cached_property
    def display_order(self) -> Indices:
        """Ordinals of the packets that are shown, in presentation order.

        Packets before the first start cannot be decoded and are not shown.
        """
        display_order = np.flatnonzero(~self.hidden & (self.decode_starts >= 0))
        return display_order[np.argsort(self.pts[display_order], kind="stable")]

    @cached_property
    def frame_indices(self) -> Indices:
        """Number of each shown packet's frame, rising.

        Where packets are damaged at a gap in a constant frame rate, frames were lost: they keep
        their numbers, so that the moments behind them keep theirs.
        """
        steps = np.diff(self.pts[self.display_order])
        if not self.damaged or not is_steady(steps):
            return np.arange(len(self.display_order))
        near = np.array(sorted(self.damaged))
        before, after = self.display_order[:-1], self.display_order[1:]
        low, high = np.minimum(before, after) - NEAR, np.maximum(before, after) + NEAR
        beside = np.searchsorted(near, high, side="right") > np.searchsorted(near, low)
        whole = np.where(beside, np.rint(steps / np.median(steps)), 1).astype(np.int64)
        return np.concatenate([[0], np.cumsum(np.maximum(1, whole))])

    @cached_property
    def ordinals(self) -> Indices:
        """Ordinal of each frame's packet by the frame's number, (N,); -1 where it was lost."""
        ordinals = np.full(int(self.frame_indices[-1]) + 1 if len(self.frame_indices) else 0, -1)
        ordinals[self.frame_indices] = self.display_order
        return ordinals

    @cached_property
    def step(self) -> float:
        """Ticks between frames of a constant rate in a damaged file, 0 where none is known.

        There a frame's time determines its index, whatever was lost before it.
        """
        times = np.unique(self.pts)
        steps = times[1:] - times[:-1]
        return float(np.median(steps)) if self.damaged and is_steady(steps) else 0.0

    @cached_property
    def seconds(self) -> npt.NDArray[np.float64]:
        """When each frame is shown, counted from the first, (N,)."""
        times = self.pts[self.display_order]
        known = (times - times[:1]) * float(self.time_base)
        return np.asarray(
            np.interp(np.arange(len(self.ordinals)), self.frame_indices, known), np.float64
        )

    @cached_property
    def duration(self) -> float:
        """Seconds from the first shown frame to the end of the last."""
        if len(self.pts) == 0 or len(self.display_order) == 0:
            return 0.0
        return float((self.end - int(self.pts[self.display_order[0]])) * self.time_base)

    @cached_property
    def frames(self) -> int:
        """Number of frames that should come out."""
        return len(self.ordinals) if len(self.pts) else int(np.sum(~self.hidden))

    @cached_property
    def trusted(self) -> bool:
        """Whether the times determine the output order of frames."""
        if len(self.pts) == 0 or len(self.starts) == 0 or self.packed or self.disordered:
            return False
        times = self.pts[self.display_order]
        if len(times) == 0 or (np.diff(times) == 0).any() or self._displaced:
            return False
        latest = np.maximum.accumulate(self.pts)
        behind = self.starts[self.starts > 0]
        return bool((latest[behind - 1] < self.pts[behind]).all())

    @cached_property
    def _displaced(self) -> bool:
        """Whether a packet is further from its place in presentation order than codecs do."""
        ranks = np.argsort(np.argsort(self.pts, kind="stable"))
        return bool((np.abs(ranks - np.arange(self.count)) > DEEPEST).any())

    @cached_property
    def decode_starts(self) -> Indices:
        """Ordinal where decoding must start for each packet, (P,); -1 where none will do.

        A start's leading frames are shown before it and refer to earlier frames.
        """
        if len(self.starts) == 0:
            return np.full(self.count, -1)
        last = np.searchsorted(self.starts, np.arange(self.count), side="right") - 1
        leading = (last >= 0) & (self.pts < self.pts[self.starts[last]])
        last = last - leading
        return np.where(last >= 0, self.starts[last], -1)

    def intact(self, damaged_packets: frozenset[int]) -> Flags:
        """Return which frames can be decoded without touching a bad packet, (N,) by number."""
        flags = np.zeros(self.count + 1, np.int64)
        flags[[ordinal + 1 for ordinal in damaged_packets]] = 1
        before = np.cumsum(flags)  # bad packets before each ordinal
        clean = before[self.ordinals + 1] == before[self.decode_starts[self.ordinals]]
        return np.asarray(clean & (self.ordinals >= 0))


def is_steady(steps: Indices) -> bool:
    """Return whether nearly all steps between frames are alike, give or take a tick.

    >>> is_steady(np.array([40] * 99 + [80])), is_steady(np.array([40, 80] * 50))
    (True, False)
    """
    return len(steps) > 0 and float(np.mean(np.abs(steps - np.median(steps)) <= 1)) >= STEADY
