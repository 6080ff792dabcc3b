"""How a stream itself wants its pictures turned, where its container says nothing (SEI 47)."""

from __future__ import annotations

import math

from .bitstream import H264_SEI, sei_messages, unit_splitter

Matrix = tuple[int, int, int, int]
"""Where a display matrix moves pixels: x to (a, b), y to (c, d); 16 bits of fraction."""

DISPLAY_ORIENTATION = 47
HEVC_PREFIX_SEI = 39


def told_orientation(codec: str, extradata: bytes, packet: bytes) -> Matrix | None:
    """Return the display orientation that a packet's SEI messages tell, or ``None``.

    The decoder gives it with that packet's frame only; it means all of them.

    Args:
        codec: Libav's name; only ``h264`` and ``hevc`` have such messages.
        extradata: The codec's header.
        packet: Where decoding starts.
    """
    if codec not in ("h264", "hevc"):
        return None
    header, shift, sei = (1, 0, H264_SEI) if codec == "h264" else (2, 1, HEVC_PREFIX_SEI)
    mask = 31 if codec == "h264" else 63
    try:
        units = list(unit_splitter(codec, extradata)(packet))
    except ValueError:
        return None
    for unit in units:
        if unit[0] >> shift & mask == sei:
            for kind, body in sei_messages(unit, header):
                if kind == DISPLAY_ORIENTATION and len(body) >= 3 and not body[0] & 128:
                    return _matrix(body)
    return None


def _matrix(body: bytes) -> Matrix:
    """Return the matrix of a message: mirrored first, then turned anticlockwise."""
    bits = int.from_bytes(body[:3], "big") >> 5  # cancel, two flips, 16 bits of angle
    across, down = 1 - 2 * (bits >> 17 & 1), 1 - 2 * (bits >> 16 & 1)
    a, b, c, d = turned((bits & 0xFFFF) * 360 / 65536 * across * down)
    return a * across, b * down, c * across, d * down


def turned(degrees: float) -> Matrix:
    """Return the matrix that turns pictures anticlockwise.

    >>> turned(90)
    (0, -65536, 65536, 0)
    """
    angle = math.radians(degrees)
    cos, sin = round(math.cos(angle) * 65536), round(math.sin(angle) * 65536)
    return cos, -sin, sin, cos
