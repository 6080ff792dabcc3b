"""Tell animated pictures from stills by the head of the file: AVIF, WebP and PNG."""

from __future__ import annotations

import stat
import struct
from pathlib import Path
from typing import BinaryIO

PICTURES = frozenset(b".apng .avif .avifs .png .webp".split())
_PNG = b"\x89PNG\r\n\x1a\n"
_SEQUENCES = {b"avis", b"msf1"}
_CHUNKS = 64  # chunks of a PNG before its pixels


def is_animated(path: Path) -> bool:
    """Return whether a picture file holds a sequence; ``False`` if it is none or unreadable."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with open(path, "rb") as file:
            head = file.read(32)
            if head.startswith(_PNG):
                return _has_animation_chunk(file)
            if head[4:8] == b"ftyp":
                return _has_sequence_brand(file)
    except OSError:
        return False
    animated = head[12:16] == b"VP8X" and len(head) > 20 and bool(head[20] & 2)
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP" and animated


def _has_animation_chunk(file: BinaryIO) -> bool:
    """Return whether a PNG has an ``acTL`` chunk, which comes before the first pixels."""
    file.seek(len(_PNG))
    for _ in range(_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IDAT":
            return False
        if head[4:] == b"acTL":
            return True
        file.seek(struct.unpack(">I", head[:4])[0] + 4, 1)
    return False


def _has_sequence_brand(file: BinaryIO) -> bool:
    """Return whether the ``ftyp`` box names the brand of an image sequence."""
    file.seek(0)
    size = struct.unpack(">I", file.read(4))[0]
    box = file.read(min(size, 1024))
    brands = [box[4:8], *(box[at : at + 4] for at in range(12, len(box) - 3, 4))]
    return bool(_SEQUENCES.intersection(brands))
