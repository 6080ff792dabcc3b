"""Packets of a stream, many at once: most need no closer look than arrays can take.

The checks of ``bitstream`` look at one packet. Here the same is found for plain packets of H.264,
HEVC, VP9 and AV1 by a few passes over arrays; every other packet is given to those checks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .bitstream import (
    H264_IDR,
    HEVC_ANCHORS,
    HEVC_CLOSED,
    PacketChecker,
    packet_checker,
    prefix_width,
)

Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

PADDING = 8  # bytes behind a batch, which a unit's header may be sought in
ROUNDS = 64  # units of a packet that are followed; more are left to the closer look
PAIRS = 8  # of bytes, whose comparison gives as many bytes
MANY = 256  # bytes; with zeros in each group of so many, another way to find them is faster
KINDS = np.arange(256)
AV1_OF_SIZE, AV1_SIZED = 0x83, 0x02  # of a unit's header: bits that are 0, and one that is 1


@dataclass(frozen=True, slots=True)
class PacketBatch:
    """Some packets in a row.

    Attributes:
        pts: Shown times in the time base, (n,); ``UNKNOWN`` where they have none.
        dts: Decoding times, likewise, (n,).
        pos: Byte positions in the file, -1 where unknown, (n,).
        size: Bytes, (n,).
        duration: In the time base, 0 where unknown, (n,).
        key: The container calls them key frames, (n,).
        discard: The container hides them, (n,).
        corrupt: The container knows of damage in them, (n,).
        data: The bytes of all of them and ``PADDING`` more.
        at: Where each begins in the data, (n,).
    """

    pts: Indices
    dts: Indices
    pos: Indices
    size: Indices
    duration: Indices
    key: Flags
    discard: Flags
    corrupt: Flags
    data: Bytes
    at: Indices

    def __len__(self) -> int:
        return len(self.pts)

    def packet(self, place: int) -> bytes:
        """Return the bytes of one."""
        begin = int(self.at[place])
        return self.data[begin : begin + int(self.size[place])].tobytes()


@dataclass(frozen=True, slots=True)
class BatchCheck:
    """``PacketCheck`` of many packets; where they are no key frames, two of its flags may differ.

    Attributes:
        complete: No sign of damage, (n,).
        random_access: Decoding may start here, (n,); right for key frames.
        closed: No later packet refers to an earlier one, (n,); right for key frames.
        displayed: A frame comes out of it, (n,).
        packed: Whether any holds further frames.
    """

    complete: Flags
    random_access: Flags
    closed: Flags
    displayed: Flags
    packed: bool = False


# From a batch: plain packets, of these random access, closed, displayed; all (n,).
Plain = tuple[Flags, Flags, Flags, Flags]
PlainFinder = Callable[[PacketBatch], Plain]


class BatchChecker:
    """Checks batches of one stream's packets.

    Args:
        codec: Libav's name, such as ``h264``.
        extradata: The codec's header.

    Attributes:
        reads: Whether it looks at the bytes of packets.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._check: PacketChecker | None = packet_checker(codec, extradata)
        self._plain = _plain_finder(codec, extradata)
        self.reads = self._check is not None

    def __call__(self, batch: PacketBatch) -> BatchCheck:
        """Return what the headers of a batch's packets state."""
        count, check = len(batch), self._check
        if check is None:
            ones = np.ones(count, bool)
            return BatchCheck(ones, ones, ones, ones)
        if self._plain:
            plain, random_access, closed, displayed = self._plain(batch)
        else:
            plain, random_access, closed, displayed = (np.zeros(count, bool) for _ in range(4))
        complete, packed = plain.copy(), False
        for place in np.flatnonzero(~plain).tolist():
            found = check(batch.packet(place))
            complete[place], displayed[place] = found.complete, found.displayed
            random_access[place], closed[place] = found.random_access, found.closed
            packed |= found.packed
        return BatchCheck(complete, random_access, closed, displayed, packed)


def _plain_finder(codec: str, extradata: bytes) -> PlainFinder | None:
    if codec == "vp9":
        return _plain_vp9
    if codec == "av1":
        return _plain_av1
    width = prefix_width(codec, extradata) if codec in ("h264", "hevc") else 0
    if not width:
        return None
    return _PlainH264(width) if codec == "h264" else _PlainHevc(width)


def _plain_vp9(batch: PacketBatch) -> Plain:
    """Pictures alone in their packet, without a key frame's header."""
    first = batch.data[batch.at]
    last = batch.data[batch.at + np.maximum(batch.size, 1) - 1]
    again, key, shown = (first & 8) > 0, (first & 4) == 0, (first & 2) > 0
    plain = (batch.size > 0) & (first >> 6 == 2) & (first & 0x30 != 0x30)
    plain &= (last >> 5 != 6) & (again | ~key)
    return plain, key, np.ones(len(batch), bool), again | shown


def _plain_av1(batch: PacketBatch) -> Plain:
    """Units that each state their size, of at most three bytes."""
    ones, data, plain = np.ones(len(batch), bool), batch.data, np.zeros(len(batch), bool)
    left = np.flatnonzero(batch.size > 0)
    at, end = batch.at[left], (batch.at + batch.size)[left]
    for _ in range(ROUNDS):
        if len(left) == 0:
            break
        header = data[at]
        at = at + 1 + (header >> 2 & 1)
        parts = data[at[:, None] + np.arange(3)].astype(np.int64)
        more = np.cumprod(parts > 127, axis=1)  # further bytes of the size follow
        length = parts[:, 0] & 127
        length += (parts[:, 1] & 127) * more[:, 0] << 7
        length += (parts[:, 2] & 127) * more[:, 1] << 14
        at = at + 1 + more[:, :2].sum(axis=1) + length
        sound = (header & AV1_OF_SIZE == AV1_SIZED) & (more[:, 2] == 0) & (at <= end)
        plain[left[sound & (at == end)]] = True
        sound &= at < end
        left, at, end = left[sound], at[sound], end[sound]
    return plain, ones, ones.copy(), ones.copy()


class _PlainH264:
    """Packets of H.264 units that follow their lengths, with no zeros in a row."""

    BAD = (KINDS & 128 > 0) | (KINDS & 31 == 0) | ((KINDS & 31 == H264_IDR) & (KINDS & 96 == 0))
    IDR = KINDS & 31 == H264_IDR

    def __init__(self, width: int) -> None:
        self._width = width

    def __call__(self, batch: PacketBatch) -> Plain:
        idr = np.zeros(len(batch), bool)
        plain = _followed(batch, self._width, 1, lambda one: self._unit(batch.data, idr, *one))
        plain &= idr | ~batch.key  # else a recovery point may be in it
        return plain, idr, idr.copy(), np.ones(len(batch), bool)

    def _unit(self, data: Bytes, idr: Flags, places: Indices, headers: Indices) -> Flags:
        kinds = data[headers]
        idr[places[self.IDR[kinds]]] = True
        return np.asarray(~self.BAD[kinds])


class _PlainHevc:
    """Packets of HEVC units that follow their lengths, with no zeros in a row."""

    ANCHOR = np.isin(KINDS >> 1, HEVC_ANCHORS)
    CLOSED = np.isin(KINDS >> 1, HEVC_CLOSED)

    def __init__(self, width: int) -> None:
        self._width = width

    def __call__(self, batch: PacketBatch) -> Plain:
        anchor, closed = np.zeros(len(batch), bool), np.zeros(len(batch), bool)
        plain = _followed(
            batch, self._width, 3, lambda one: self._unit(batch.data, anchor, closed, *one)
        )
        return plain, anchor, closed, np.ones(len(batch), bool)

    def _unit(
        self, data: Bytes, anchor: Flags, closed: Flags, places: Indices, headers: Indices
    ) -> Flags:
        first = data[headers]
        anchor[places[self.ANCHOR[first]]] = True
        closed[places[self.CLOSED[first]]] = True
        return np.asarray((first & 128 == 0) & (data[headers + 1] & 7 > 0))


def _followed(
    batch: PacketBatch,
    width: int,
    least: int,
    unit: Callable[[tuple[Indices, Indices]], Flags],
) -> Flags:
    """Return which packets consist of units that each follow their length and are sound, (n,).

    A unit with three zeros in a row is not: the codecs avoid them by escapes.

    Args:
        batch: The packets.
        width: Bytes of a length.
        least: Bytes that a unit must have.
        unit: Takes places in the batch and where a unit of each begins, returns which are sound.
    """
    plain, data, zeros = np.zeros(len(batch), bool), batch.data, _zero_runs(batch.data)
    left = np.flatnonzero(batch.size > 0)
    at, end = batch.at[left], (batch.at + batch.size)[left]
    for _ in range(ROUNDS):
        if len(left) == 0:
            break
        length = data[at].astype(np.int64)
        for byte in range(1, width):
            length = length << 8 | data[at + byte]
        header = at + width
        at = header + length
        sound = (length >= least) & (at <= end)
        left, at, end, header = left[sound], at[sound], end[sound], header[sound]
        sound = unit((left, header))
        if len(zeros):  # lengths may have them
            behind = np.searchsorted(zeros, np.maximum(at - 2, header))
            sound &= behind == np.searchsorted(zeros, header)
        left, at, end = left[sound], at[sound], end[sound]
        plain[left[at == end]] = True
        more = at < end
        left, at, end = left[more], at[more], end[more]
    return plain


def _zero_runs(data: Bytes) -> Indices:
    """Return where three zeros in a row begin, never falling; some places come twice."""
    # Three zeros in a row hold two at an even place. Most groups of such pairs have none.
    zero = data[: len(data) & ~(2 * PAIRS - 1)].view(np.uint16) == 0
    some = np.flatnonzero(zero.view(np.uint64) != 0)
    if len(some) > len(data) // MANY:  # silence beside the pictures
        return np.flatnonzero((data[:-2] | data[1:-1] | data[2:]) == 0)
    grouped = (PAIRS * some[:, None] + np.arange(PAIRS)).ravel()
    at = 2 * np.concatenate([grouped, np.arange(len(zero), len(data) // 2)])
    at = at[data[at] | data[at + 1] == 0]
    before = at[data[np.maximum(at - 1, 0)] == 0] - 1
    behind = at[data[np.minimum(at + 2, len(data) - 1)] == 0]
    return np.sort(np.concatenate([before, behind]), kind="stable")  # two rising parts
