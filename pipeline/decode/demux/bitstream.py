"""A look at a packet's outside: is it whole, is it shown, can decoding start there?

Nothing is decoded. What a codec writes around its arithmetic code is checked, so that damage is
found in packets that nobody needs to decode. A codec that is not listed gives no sign here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

H264_IDR, H264_SEI = 5, 6
RECOVERY_POINT = 6
START_CODE = b"\0\0\0\1"
VOP = b"\0\0\1\xb6"  # a picture of MPEG-4 part 2
HEVC_ANCHORS = range(16, 22)  # BLA, IDR and CRA pictures
HEVC_CLOSED = range(16, 21)  # all but CRA
# After a JPEG's 0xFF come stuffing, restart marks or segments, never these.
JPEG_NONSENSE = re.compile(rb"\xff[\x01-\xbf]")


@dataclass(frozen=True, slots=True)
class PacketCheck:
    """Properties of a packet that its headers state.

    Attributes:
        complete: No sign of damage.
        random_access: Decoding may start here, if the container also calls it a key frame.
        closed: No later packet refers to an earlier one.
        displayed: A frame comes out of it.
        packed: Further frames are in it, which come out with the packets behind it.
    """

    complete: bool = True
    random_access: bool = True
    closed: bool = True
    displayed: bool = True
    packed: bool = False


INTACT = PacketCheck()
DAMAGED = PacketCheck(complete=False, random_access=False, closed=False)
PACKED = PacketCheck(packed=True)
PacketChecker = Callable[[bytes], PacketCheck]
UnitSplitter = Callable[[bytes], Iterator[bytes]]


def packet_checker(codec: str, extradata: bytes) -> PacketChecker | None:
    """Return the check for a codec's packets, or None where there is nothing to check.

    Args:
        codec: Libav's name, such as ``h264``.
        extradata: The codec's header, which defines how H.264 and HEVC units are delimited.
    """
    if codec in ("h264", "hevc"):
        check = _check_h264 if codec == "h264" else _check_hevc
        units = unit_splitter(codec, extradata)
        return lambda data: check(units, data)
    return PACKET_CHECKERS.get(codec)


def unit_splitter(codec: str, extradata: bytes) -> UnitSplitter:
    """Return how a packet of H.264 or HEVC is cut into units; it raises ValueError for damage."""
    width = prefix_width(codec, extradata)
    return _SplitPrefixed(width) if width else _split_annex_b


def prefix_width(codec: str, extradata: bytes) -> int:
    """Return how many bytes state the length before each unit; 0 where start codes divide them.

    >>> prefix_width("h264", bytes([1, 100, 0, 31, 255, 225])), prefix_width("h264", b"")
    (4, 0)
    """
    at = 4 if codec == "h264" else 21
    return (extradata[at] & 3) + 1 if extradata[:1] == b"\1" and len(extradata) > at else 0


class _SplitPrefixed:
    """Cuts a packet into units that each follow their length."""

    def __init__(self, width: int) -> None:
        self._width = width

    def __call__(self, data: bytes) -> Iterator[bytes]:
        at, total, width = 0, len(data), self._width
        while at < total:
            begin = at + width
            at = begin + int.from_bytes(data[at:begin], "big")
            if at > total or at <= begin:
                raise ValueError("lengths do not add up")
            yield data[begin:at]


def _split_annex_b(data: bytes) -> Iterator[bytes]:
    """Cut a packet into units that each follow 00 00 01."""
    if not data.startswith((b"\0\0\1", b"\0\0\0\1")):
        raise ValueError("no start code")
    yield from filter(None, (unit.rstrip(b"\0") for unit in data.split(b"\0\0\1")[1:]))


def _split_embedded(unit: bytes) -> Iterator[bytes]:
    """Cut a unit at the start codes within it."""
    yield from filter(None, unit.split(START_CODE))


def _check_h264(units: UnitSplitter, data: bytes) -> PacketCheck:
    idr = recovery = False
    try:
        for unit in units(data):
            kind = unit[0] & 31
            if unit[0] & 128 or kind == 0 or (kind == H264_IDR and not unit[0] & 96):
                return DAMAGED
            if _has_zeros(unit):  # phones put a whole picture behind a prefix into one unit
                inner = _check_h264(_split_embedded, unit) if START_CODE in unit else DAMAGED
                if not inner.complete:
                    return DAMAGED
                idr, recovery = idr or inner.closed, recovery or inner.random_access
            idr |= kind == H264_IDR
            recovery |= kind == H264_SEI and _recovers_at_once(unit)
    except ValueError:
        return DAMAGED
    return PacketCheck(random_access=idr or recovery, closed=idr)


def _check_hevc(units: UnitSplitter, data: bytes) -> PacketCheck:
    random_access = closed = False
    try:
        for unit in units(data):
            if len(unit) < 3 or unit[0] & 128 or not unit[1] & 7 or _has_zeros(unit):
                return DAMAGED
            random_access |= unit[0] >> 1 in HEVC_ANCHORS
            closed |= unit[0] >> 1 in HEVC_CLOSED
    except ValueError:
        return DAMAGED
    return PacketCheck(random_access=random_access, closed=closed)


def _has_zeros(unit: bytes) -> bool:
    """Return whether three zeros follow one another, which the codecs avoid by escapes."""
    return b"\0\0\0" in unit and b"\0\0\0" in unit.rstrip(b"\0")


def _recovers_at_once(unit: bytes) -> bool:
    """Return whether an SEI recovery point is exact from this picture on."""
    point = next((body for kind, body in sei_messages(unit, 1) if kind == RECOVERY_POINT), b"")
    # recovery_frame_cnt 0 is the bit 1; exact_match_flag 1 and broken_link_flag 0 follow
    return bool(point) and point[0] >> 5 == 0b110


def sei_messages(unit: bytes, header: int) -> Iterator[tuple[int, bytes]]:
    """Yield type and body of each message of an SEI unit, behind a header of so many bytes."""
    message = unit.replace(b"\0\0\3", b"\0\0")
    at = header
    while at + 2 < len(message):
        kind, at = _sei_number(message, at)
        size, at = _sei_number(message, at)
        yield kind, message[at : at + size]
        at += size


def _sei_number(message: bytes, at: int) -> tuple[int, int]:
    total = 0
    while at < len(message):
        total, at = total + message[at], at + 1
        if message[at - 1] != 255:
            break
    return total, at


def _check_vp8(data: bytes) -> PacketCheck:
    if len(data) < 3:
        return DAMAGED
    first_part = int.from_bytes(data[:3], "little") >> 5
    key = not data[0] & 1
    if first_part > len(data) or (key and data[3:6] != b"\x9d\1\x2a"):
        return DAMAGED
    return PacketCheck(random_access=key, displayed=bool(data[0] & 16))


def _check_vp9(data: bytes) -> PacketCheck:
    if not data or data[0] >> 6 != 2:
        return DAMAGED
    if data[-1] >> 5 == 6:  # several frames in one packet, the index is at the end
        count, width = (data[-1] & 7) + 1, (data[-1] >> 3 & 3) + 1
        index = data[-2 - count * width :]
        if index[0] == data[-1]:
            sizes = (index[1 + i * width : 1 + (i + 1) * width] for i in range(count))
            total = sum(int.from_bytes(size, "little") for size in sizes)
            return INTACT if total + len(index) <= len(data) else DAMAGED
    if data[0] & 0x30 == 0x30:  # the fourth profile has one bit more
        return INTACT
    again, key, displayed = data[0] & 8, not data[0] & 4, data[0] & 2
    if key and not again and data[1:4] != b"\x49\x83\x42":
        return DAMAGED
    return PacketCheck(random_access=bool(key), displayed=bool(again or displayed))


def _check_av1(data: bytes) -> PacketCheck:
    at = 0
    while at < len(data):
        header = data[at]
        if header & 0x81 or not header & 2:  # reserved bits, or a unit without its size
            return INTACT if not header & 0x83 else DAMAGED
        at += 2 if header & 4 else 1
        size, shift = 0, 0
        while at < len(data) and shift < 56:
            size, shift, at = size | (data[at] & 127) << shift, shift + 7, at + 1
            if not data[at - 1] & 128:
                break
        at += size
    return INTACT if at == len(data) else DAMAGED


def _check_mpeg4(data: bytes) -> PacketCheck:
    if not data.startswith(b"\0\0\1"):
        return DAMAGED
    return PACKED if data.count(VOP) > 1 else INTACT


def _check_start_code(data: bytes) -> PacketCheck:
    return INTACT if data.startswith(b"\0\0\1") else DAMAGED


def _check_jpeg(data: bytes) -> PacketCheck:
    scan = data.find(b"\xff\xda")
    if not data.startswith(b"\xff\xd8") or scan < 0:
        return DAMAGED
    return DAMAGED if JPEG_NONSENSE.search(data, scan) else INTACT


def _check_gif(data: bytes) -> PacketCheck:
    """Distinguish pictures from packets that hold a comment only."""
    at = 0
    if data.startswith(b"GIF8") and len(data) > 10:
        at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 128 else 0)
    while at < len(data) and data[at] == 0x21:  # an extension: blocks up to an empty one
        at += 2
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
    return (
        INTACT
        if data[at : at + 1] == b"\x2c"
        else PacketCheck(random_access=False, displayed=False)
    )


PACKET_CHECKERS: dict[str, PacketChecker] = {
    "vp8": _check_vp8,
    "vp9": _check_vp9,
    "av1": _check_av1,
    "mpeg4": _check_mpeg4,
    "mpeg1video": _check_start_code,
    "mpeg2video": _check_start_code,
    "mjpeg": _check_jpeg,
    "gif": _check_gif,
}
