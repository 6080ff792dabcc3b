"""Walk from block to block through a Matroska file's clusters.

Blocks of other tracks are passed over by their size, unread. Whatever is not plain (laced frames,
elements of unknown size, room between blocks that nothing explains) ends the walk without a result:
then libav must read the packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO

import numpy as np

from .gaps import ROOM
from .matroska import CLUSTER, HEAD, Element, Outline, element, elements
from .packet_batch import PADDING, Bytes, Flags, Indices

SIMPLE_BLOCK, GROUP, BLOCK, BLOCK_DURATION, REFERENCE = 0xA3, 0xA0, 0xA1, 0x9B, 0xFB
TIME = 0xE7
FILLERS = (0xA7, 0xAB, 0xBF, 0xEC)  # position, size before, checksum, void
BLOCK_HEAD = 4  # bytes: track, time, flags
KEY_FLAG, LACING_FLAGS = 0x80, 0x06
BUFFER = 1 << 22  # bytes that lie in a processor's cache
MOST_BUFFER = 1 << 26
LARGE = 1 << 40  # no time is beyond it
UNTOLD = -1  # the duration of a block that tells none


class NotPlainError(Exception):
    """The file is not of the kind that is understood here."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Some blocks of a track in a row.

    Attributes:
        time: Shown times in the segment's ticks, (n,).
        pos: Byte positions of the blocks, (n,).
        size: Bytes of their frames, (n,).
        duration: In ticks, ``UNTOLD`` where a block tells none, (n,).
        key: Key frames, (n,).
        data: The bytes of all of them and ``PADDING`` more; valid until the next ones come.
        at: Where each frame begins in the data, (n,).
    """

    time: Indices
    pos: Indices
    size: Indices
    duration: Indices
    key: Flags
    data: Bytes
    at: Indices


class BlockWalk:
    """A pass over the blocks of one track.

    Args:
        file: Unbuffered.
        outline: Of that file.
        track: First byte of the track's blocks.
    """

    def __init__(self, file: FileIO, outline: Outline, track: int) -> None:
        self._file, self._outline, self._track = file, outline, track
        self._others = outline.tracks - {track}
        self._buffer = bytearray(BUFFER + PADDING + HEAD)
        self._close = 0  # where the cluster ends, in the buffer
        self._time = UNTOLD
        self._last_end = UNTOLD  # of the last block of any track, in the buffer
        self._clear()

    def _clear(self) -> None:
        self._bodies: list[int] = []
        self._ends: list[int] = []
        self._clusters: list[tuple[int, int]] = [(0, self._time)]
        self._groups: dict[int, tuple[bool, int]] = {}

    def __iter__(self) -> Iterator[Blocks]:
        """Yield all blocks.

        Raises:
            NotPlainError: If the file is not of the plain kind.
        """
        begin, end = self._outline.first, self._outline.end
        while begin < end:
            there = self._read(begin, end)
            at = self._walk(there, last=begin + there == end)
            if self._bodies:
                yield self._blocks(begin, there)
            if at == 0:
                self._grow()
            begin += at
            self._close -= at
            self._last_end -= at if self._last_end != UNTOLD else 0
            self._clear()
        if begin != end or self._close != 0:
            raise NotPlainError("the segment ends amid a cluster")

    def _read(self, begin: int, end: int) -> int:
        """Fill the buffer; return how many bytes there are."""
        room = min(end - begin, len(self._buffer) - PADDING - HEAD)
        view, got = memoryview(self._buffer), 0
        self._file.seek(begin)
        while got < room:
            count = self._file.readinto(view[got:room])
            if not count:
                raise NotPlainError("the file ends before its segment")
            got += count
        view[room : room + PADDING + HEAD] = bytes(PADDING + HEAD)
        return room

    def _grow(self) -> None:
        """Make room for an element that is larger than the buffer."""
        if len(self._buffer) > MOST_BUFFER:
            raise NotPlainError("an element is too large")
        self._buffer = bytearray(2 * len(self._buffer))

    def _walk(self, there: int, *, last: bool) -> int:
        """Pass over what is in the buffer; return where the first unread element begins.

        Args:
            there: Bytes in the buffer.
            last: Whether they are the segment's last.
        """
        at, heads = 0, there if last else there - HEAD
        while at < heads:
            behind = self._pass(at, heads, there)
            if behind == at:  # its end is not there
                if last:
                    raise NotPlainError("an element goes beyond the segment")
                break
            at = behind
        return at

    def _pass(self, at: int, heads: int, there: int) -> int:
        """Pass over an element, or some; return where to go on, or ``at`` for want of bytes."""
        if at > self._close:
            raise NotPlainError("an element goes beyond its cluster")
        if at < self._close and self._buffer[at] == SIMPLE_BLOCK:
            return self._simple_blocks(at, min(self._close, heads), there)
        found = element(self._buffer, at)
        if found is None:
            raise NotPlainError("no element")
        return self._enter(found) if at == self._close else self._inside(at, found, there)

    def _simple_blocks(self, at: int, stop: int, there: int) -> int:
        """Pass over simple blocks in a row; return where something else begins."""
        data, ours, others = self._buffer, self._track, self._others
        bodies, ends = self._bodies, self._ends
        self._begin_block(at)
        while at < stop and data[at] == SIMPLE_BLOCK:
            # The size's first byte says how many bytes it has; all bits set mean "unknown".
            first = data[at + 1]
            if first > 127:
                body, size, most = at + 2, first & 127, 127
            elif first > 63:
                body, size, most = at + 3, (first & 63) << 8 | data[at + 2], 0x3FFF
            elif first > 31:
                low = data[at + 2] << 8 | data[at + 3]
                body, size, most = at + 4, (first & 31) << 16 | low, 0x1FFFFF
            else:
                found = element(data, at)
                if found is None:
                    raise NotPlainError("a block without its size")
                body, size, most = found[1], found[2] - found[1], 0
            if size == most:
                raise NotPlainError("a block of unknown size")
            if data[body] == ours:
                if body + size > there:
                    break
                bodies.append(body)
                ends.append(body + size)
            elif data[body] not in others:
                raise NotPlainError("a block of an unknown track")
            at = body + size
        self._last_end = at
        return at

    def _begin_block(self, at: int) -> None:
        """Check that a block may be here: unexplained room before it is a sign of damage."""
        if self._time < 0:
            raise NotPlainError("a cluster without its time")
        if self._last_end != UNTOLD and at - self._last_end > ROOM - HEAD - BLOCK_HEAD:
            raise NotPlainError("much room between blocks")

    def _enter(self, found: Element) -> int:
        """Enter a cluster, or pass over another outer element; return where to go on."""
        kind, begin, end = found
        self._close, self._time = end, UNTOLD
        return begin if kind == CLUSTER else end

    def _inside(self, at: int, found: Element, there: int) -> int:
        """Pass over an element of a cluster; return where to go on, or ``at`` for more bytes."""
        kind, begin, end = found
        if end > self._close:
            raise NotPlainError("an element goes beyond its cluster")
        if end > there:
            return at
        if kind == TIME and self._time == UNTOLD and end - begin <= 8:
            self._time = int.from_bytes(self._buffer[begin:end], "big")
            if self._time > LARGE:
                raise NotPlainError("an impossible time")
            self._clusters.append((len(self._bodies), self._time))
        elif kind == GROUP:
            self._group(begin, end)
        elif kind not in FILLERS:
            raise NotPlainError("an element that is not expected")
        return end

    def _group(self, begin: int, end: int) -> None:
        """Take the block of a group, if it has nothing but a duration and references."""
        told = {kind: (a, b) for kind, a, b in elements(self._buffer, begin, end)}
        if BLOCK not in told or -1 in told:
            raise NotPlainError("a group without its block")
        body, behind = told[BLOCK]
        track = self._buffer[body]
        self._begin_block(body)
        self._last_end = behind
        if track == self._track:
            if told.keys() - {BLOCK, BLOCK_DURATION, REFERENCE}:
                raise NotPlainError("a group that says more")
            a, b = told.get(BLOCK_DURATION, (0, 0))
            duration = int.from_bytes(self._buffer[a:b], "big") if b else UNTOLD
            self._groups[len(self._bodies)] = REFERENCE not in told, duration
            self._bodies.append(body)
            self._ends.append(behind)
        elif track not in self._others:
            raise NotPlainError("a block of an unknown track")

    def _blocks(self, begin: int, there: int) -> Blocks:
        """Return what was found in the buffer, where so many bytes from a place in the file are."""
        data = np.frombuffer(self._buffer, np.uint8, there + PADDING)
        at, ends = np.array(self._bodies), np.array(self._ends)
        size = ends - at - BLOCK_HEAD
        if (size <= 0).any():
            raise NotPlainError("an empty block")
        flags = data[at + 3]
        if (flags & LACING_FLAGS).any():
            raise NotPlainError("several frames in a block")
        places, times = zip(*self._clusters, strict=True)
        time = np.repeat(times, np.diff([*places, len(at)]))
        told = data[at + 1].astype(np.int64) << 8 | data[at + 2]
        time += told - (told >> 15 << 16)  # a signed number
        if (time < 0).any():
            raise NotPlainError("a time before the beginning")
        key, duration = (flags & KEY_FLAG) > 0, np.full(len(at), UNTOLD)
        for place, (is_key, ticks) in self._groups.items():
            key[place], duration[place] = is_key, ticks
        return Blocks(time, begin + at, size, duration, key, data, at + BLOCK_HEAD)
