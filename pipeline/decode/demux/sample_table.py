"""An MP4's own table of its packets: times, places and sizes without reading them.

Libav's index of the file has all but the shown times, which lie in the box ``ctts``. Where box and
index differ in anything, where a file has fragments or several formats, or where packets that are
read differ from the table, there is no table, and the packets must be read.

The boxes: ISO/IEC 14496-12, https://www.iso.org/standard/83102.html
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream

from .packet_batch import Flags, Indices

# Whose packets libav gives as they lie there.
CODECS = ("h264", "hevc", "av1", "vp9", "mpeg4")
MOST_BOXES = 1000  # at the top of a file
MOST_HEADER = 256 << 20  # bytes of the box moov
INDEX_KEY, INDEX_DISCARD = 1, 2  # libav's flags
PLACES, PROBED = 4, 32  # packets that are read for comparison
LARGE = 1 << 40  # no time or position is beyond it

Boxes = dict[bytes, memoryview]


@dataclass(frozen=True, slots=True)
class Samples:
    """Every packet of a track in decoding order, as the file's header tells.

    Attributes:
        pts: Shown times in the time base, (P,).
        dts: Decoding times, (P,).
        pos: Byte positions in the file, rising, (P,).
        size: Bytes, (P,).
        duration: In the time base, (P,).
        key: Key frames, (P,).
        discard: Frames that an edit list hides, (P,).
    """

    pts: Indices
    dts: Indices
    pos: Indices
    size: Indices
    duration: Indices
    key: Flags
    discard: Flags


def has_sample_table(container: InputContainer, stream: VideoStream) -> bool:
    """Return whether a track may have a table that is understood here."""
    codec = stream.codec_context.codec.canonical_name
    return "mov" in container.format.name and codec in CODECS


def sample_table(path: Path, container: InputContainer, stream: VideoStream) -> Samples | None:
    """Return the table of a track, or ``None`` where only its packets can tell.

    Args:
        path: The open file.
        container: Of that file; some packets are read.
        stream: Of that container, for which :func:`has_sample_table`.
    """
    index = _index(stream)
    boxes = _track_boxes(path, stream.id) if index is not None else None
    if index is None or boxes is None:
        return None
    pos, dts, size, flags = index
    try:
        steps, offsets = _steps(boxes, size), _offsets(boxes, len(size))
    except ValueError:
        return None
    whole = (size > 0).all() and pos[0] >= 0 and pos[-1] + size[-1] <= os.stat(path).st_size
    if not whole or (np.diff(pos) < size[:-1]).any() or (np.diff(dts) != steps[:-1]).any():
        return None
    key, discard = (flags & INDEX_KEY) > 0, (flags & INDEX_DISCARD) > 0
    samples = Samples(dts + offsets, dts, pos, size, steps, key, discard)
    return _compared(container, stream, samples)


def _index(stream: VideoStream) -> tuple[Indices, ...] | None:
    """Return position, decoding time, size and flags of each entry of libav's index, (P,)."""
    entries = getattr(stream, "index_entries", ())
    if len(entries) < 2:
        return None
    told = map(attrgetter("pos", "timestamp", "size", "flags"), entries)
    columns = np.fromiter(chain.from_iterable(told), np.int64, 4 * len(entries)).reshape(-1, 4)
    if np.abs(columns[:, 1]).max() > LARGE or columns[:, 0].max() > LARGE:
        return None
    return tuple(np.ascontiguousarray(columns.T))


def _track_boxes(path: Path, track: int) -> Boxes | None:
    """Return the boxes of a track's sample table, if the file is of the plain kind."""
    header = _header(path)
    if header is None:
        return None
    found = list(_boxes(header))
    if any(name == b"mvex" for name, _ in found):
        return None
    tracks = [dict(_boxes(body)) for name, body in found if name == b"trak"]
    ours = [boxes for boxes in tracks if _track_id(boxes.get(b"tkhd")) == track]
    if len(ours) != 1:
        return None
    inner = ours[0]
    for name in (b"mdia", b"minf", b"stbl"):
        if name not in inner:
            return None
        inner = dict(_boxes(inner[name]))
    formats = inner.get(b"stsd", memoryview(b""))
    one = len(formats) >= 16 and bytes(formats[4:8]) == b"\0\0\0\1"
    return inner if one and bytes(formats[12:16]) != b"encv" else None


def _header(path: Path) -> memoryview | None:
    """Return the content of the file's only ``moov``, ``None`` where there are fragments."""
    header, at, size = None, 0, os.stat(path).st_size
    with open(path, "rb") as file:
        for _ in range(MOST_BOXES):
            file.seek(at)
            head = file.read(16)
            length, name, skip = int.from_bytes(head[:4], "big"), head[4:8], 8
            if length == 1:
                length, skip = int.from_bytes(head[8:16], "big"), 16
            length = size - at if length == 0 else length
            if length < skip or name == b"moof" or (name == b"moov" and header is not None):
                return None
            if name == b"moov":
                if length > min(MOST_HEADER, size - at):
                    return None
                file.seek(at + skip)
                header = memoryview(file.read(length - skip))
            at += length
            if at >= size:
                return header
    return None


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield name and content of each box in a box, up to one that does not fit."""
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length < 8 or at + length > len(data):
            return
        yield bytes(data[at + 4 : at + 8]), data[at + 8 : at + length]
        at += length


def _track_id(header: memoryview | None) -> int:
    """Return the track's number that its ``tkhd`` states, -1 without one."""
    if header is None or len(header) < 24:
        return -1
    at = 20 if header[0] == 1 else 12
    return int.from_bytes(header[at : at + 4], "big")


def _steps(boxes: Boxes, size: Indices) -> Indices:
    """Return how long each sample lasts, (P,); the sizes must be those of the index.

    Raises:
        ValueError: If the boxes say something else than the index, or nothing.
    """
    told = _numbers(boxes, b"stsz", ">u4")
    alike = int(told[0])
    if len(told) < 2 or int(told[1]) != len(size) or (not alike and len(told) != 2 + len(size)):
        raise ValueError("another number of samples")
    if (size != (alike or told[2:])).any():
        raise ValueError("other sizes")
    return _repeated(_numbers(boxes, b"stts", ">i4"), len(size))


def _offsets(boxes: Boxes, count: int) -> Indices:
    """Return what each sample is shown later than decoded, but for a constant, (P,)."""
    if b"ctts" not in boxes:
        return np.zeros(count, np.int64)
    return _repeated(_numbers(boxes, b"ctts", ">i4"), count)


def _numbers(boxes: Boxes, name: bytes, kind: str) -> npt.NDArray[np.int64]:
    """Return the numbers of a box behind version and flags."""
    body = boxes.get(name, memoryview(b""))
    if len(body) < 8 or len(body) % 4:
        raise ValueError("no such box")
    return np.frombuffer(body, kind, offset=4).astype(np.int64)


def _repeated(runs: npt.NDArray[np.int64], count: int) -> Indices:
    """Return the values of runs (number, length, value, length, value ...), (count,)."""
    lengths, values = runs[1::2], runs[2::2]
    if len(runs) != 1 + 2 * int(runs[0]) or (lengths < 1).any() or lengths.sum() != count:
        raise ValueError("runs of another length")
    return np.repeat(values, lengths)


def _compared(container: InputContainer, stream: VideoStream, samples: Samples) -> Samples | None:
    """Return the table with shown times as libav counts them, if packets agree with it."""
    count, shift = len(samples.pos), None
    for first in np.linspace(0, max(0, count - PROBED), PLACES).astype(int).tolist():
        seen = 0
        for packet in _probed(container, stream, int(samples.dts[first])):
            place = int(np.searchsorted(samples.pos, -1 if packet.pos is None else packet.pos))
            if place == count or packet.pts is None:
                return None
            shift = packet.pts - int(samples.pts[place]) if shift is None else shift
            told = (
                int(samples.pos[place]), int(samples.size[place]), int(samples.dts[place]),
                int(samples.pts[place]) + shift, int(samples.duration[place]),
                bool(samples.key[place]), bool(samples.discard[place]), False,
            )  # fmt: skip
            if told != (
                packet.pos, packet.size, packet.dts, packet.pts, packet.duration,
                packet.is_keyframe, packet.is_discard, packet.is_corrupt,
            ):  # fmt: skip
                return None
            seen += 1
        if not seen:
            return None
    pts = samples.pts + (shift or 0)
    return Samples(pts, *(getattr(samples, name) for name in Samples.__slots__[1:]))


def _probed(
    container: InputContainer, stream: VideoStream, time: int
) -> Iterator[av.Packet[VideoStream]]:
    """Yield some packets from a decoding time on."""
    try:
        container.seek(time, stream=stream, any_frame=True)
        left = PROBED
        for packet in container.demux(stream):
            if packet.size:
                yield packet
                left -= 1
            if not left:
                return
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError:
        return
