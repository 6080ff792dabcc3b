"""A plain writer of Matroska files, byte by byte, for what no program writes any more."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av

VIDEO, SOUND, OTHER = 1, 2, 3
DOCUMENT = {0x4286: 1, 0x42F7: 1, 0x42F2: 4, 0x42F3: 8, 0x4287: 4, 0x4285: 2}


@dataclass
class Written:
    """A packet to be written.

    Attributes:
        time: In milliseconds.
        key: A key frame.
        data: Its bytes.
        track: Number of its track.
    """

    time: int
    key: bool
    data: bytes
    track: int = VIDEO


def packets_of(path: Path) -> tuple[bytes, list[Written]]:
    """Return the header of a clip's codec and its packets in decoding order."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        tick = float(stream.time_base or 0)
        rows = [(p.pts, p.is_keyframe, bytes(p)) for p in container.demux(stream) if p.size]
        first = min(row[0] or 0 for row in rows)
        header = bytes(stream.codec_context.extradata or b"")
    return header, [Written(round(((t or 0) - first) * tick * 1000), k, d) for t, k, d in rows]


def element(kind: int, content: bytes | int | Sequence[bytes], *, width: int = 0) -> bytes:
    """Return an element; its size takes so many bytes, or as few as will do."""
    if isinstance(content, int):
        content = content.to_bytes(max(1, (content.bit_length() + 7) // 8), "big")
    elif not isinstance(content, bytes):
        content = b"".join(content)
    width = width or next(n for n in range(1, 9) if len(content) < (1 << 7 * n) - 1)
    size = (len(content) | 1 << 7 * width).to_bytes(width, "big")
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + size + content


def block(packet: Written, start: int, *, flags: int = 0) -> bytes:
    """Return the content of a block in a cluster that starts at a time."""
    time = (packet.time - start).to_bytes(2, "big", signed=True)
    return bytes([128 | packet.track]) + time + bytes([flags]) + packet.data


def simple(packet: Written, start: int, *, width: int = 0) -> bytes:
    """Return a simple block."""
    return element(0xA3, block(packet, start, flags=128 * packet.key), width=width)


def grouped(packet: Written, start: int) -> bytes:
    """Return a block in a group, with a duration."""
    parts = [element(0xA1, block(packet, start)), element(0x9B, 40)]
    return element(0xA0, parts if packet.key else [*parts, element(0xFB, 1)])


def write(
    path: Path,
    header: bytes,
    packets: Sequence[Written],
    *,
    form: Callable[[Written, int], bytes] = simple,
    between: bytes = b"",
    behind: bytes = b"",
    entry: bytes = b"",
    tracks: Sequence[bytes] = (),
    a_cluster: int = 20,
    start_early: int = 0,
    length: float = 0.0,
) -> Path:
    """Write a file of H.264.

    Args:
        path: Where to.
        header: Of the codec.
        packets: Of all tracks, as they come.
        form: Makes a block of a packet and its cluster's time.
        between: Bytes between two clusters.
        behind: Bytes at the end of each cluster.
        entry: Further elements of the track.
        tracks: Further tracks.
        a_cluster: Packets of a cluster.
        start_early: Milliseconds that a cluster's time is before its first packet.
        length: Milliseconds that the header tells, 0 for those of the packets.
    """
    size = element(0xE0, [element(0xB0, 320), element(0xBA, 240)])
    told = [element(0xD7, VIDEO), element(0x73C5, VIDEO), element(0x83, 1),
            element(0x86, b"V_MPEG4/ISO/AVC"), element(0x63A2, header), size, entry]  # fmt: skip
    length = length or max(packet.time for packet in packets) + 40.0
    info = element(0x1549A966, [element(0x2AD7B1, 1_000_000), element(0x4489, _float(length))])
    parts = [info, element(0x1654AE6B, [element(0xAE, told), *tracks])]
    for first in range(0, len(packets), a_cluster):
        some = packets[first : first + a_cluster]
        start = max(0, some[0].time - start_early)
        blocks = b"".join(form(packet, start) for packet in some)
        parts.append(element(0x1F43B675, [element(0xE7, start), blocks, behind], width=8) + between)
    document = element(0x1A45DFA3, [element(kind, value) for kind, value in DOCUMENT.items()]
                       + [element(0x4282, b"matroska")])  # fmt: skip
    path.write_bytes(document + element(0x18538067, parts, width=8))
    return path


def sound_track(number: int = SOUND) -> bytes:
    """Return the entry of a track of plain samples."""
    form = element(0xE1, [element(0x9F, 1), element(0x6264, 16)])
    told = [element(0xD7, number), element(0x73C5, number), element(0x83, 2)]
    return element(0xAE, [*told, element(0x86, b"A_PCM/INT/LIT"), form])


def _float(value: float) -> bytes:
    return struct.pack(">d", value)
