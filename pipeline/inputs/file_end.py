"""Tell from a file's own structure whether it is empty or cut off; nothing is decoded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

EMPTY = "empty file"
HEAD = 1 << 16  # bytes that are read at first
_BOXES = 1000  # boxes of an MP4 that are looked at
_INDEXES = {b"moov", b"moof"}
_BOX_NAMES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_OTHERS = (b"FLV\x01", b"OggS", b"\0\0\x01\xba", b"\x06\x0e\x2b\x34", b"DKIF", b".RMF")
_SMALL = 1 << 16  # bytes; a container of no stated length may well be whole above


def how_it_ends(path: Path) -> str:
    """Return how a file ends in which nothing can be decoded; nothing if nothing is known.

    A small file of a container that does not state its length is called short, too, and so is an
    MP4 without an index or without pictures.

    Raises:
        OSError: If it cannot be read.
    """
    size, head = os.path.getsize(path), _head(path)
    if size == 0:
        return EMPTY
    if cut := cut_off(path):
        return cut
    said = f"ends after {size} bytes"
    if head[4:8] in _BOX_NAMES:
        boxes = _mp4_boxes(path, size).names
        if boxes and not boxes & _INDEXES:
            return f"{said} without an index: cut off or never finished"
        return f"{said} without any pictures" if boxes and b"mdat" not in boxes else ""
    starts = head.startswith(_OTHERS) or (head[0] == head[188 if size > 188 else 0] == 0x47)
    return said if starts and size <= _SMALL else ""


def cut_off(path: Path) -> str:
    """Return where a file ends that is shorter than it states itself, else nothing.

    Raises:
        OSError: If it cannot be read.
    """
    size, head = os.path.getsize(path), _head(path)
    end = _mp4_boxes(path, size).end if head[4:8] in _BOX_NAMES else promised_size(head)
    return f"ends after {size} bytes of {end}" if end > size else ""


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(HEAD)


def promised_size(head: bytes) -> int:
    """Return the length of an AVI, Matroska or ASF file as its head says it, 0 if it does not.

    >>> promised_size(b"RIFF" + (1000).to_bytes(4, "little") + b"AVI LIST")
    1008
    """
    if head[:4] == b"RIFF" and head[8:11] in (b"AVI", b"WEB"):
        return 8 + int.from_bytes(head[4:8], "little")
    if head[:4] == _EBML:
        length, at = _ebml_size(head, 4)
        start = at + length
        if head[start : start + 4] == _SEGMENT:
            length, at = _ebml_size(head, start + 4)
            return at + length if length else 0
    if head[:16] == _ASF and (at := head.find(_ASF_PROPERTIES)) > 0:
        return int.from_bytes(head[at + 40 : at + 48], "little")
    return 0


def _ebml_size(data: bytes, at: int) -> tuple[int, int]:
    """Return the length written at a place, 0 if it is unknown, and the place after it."""
    first = data[at] if at < len(data) else 0
    width = 9 - first.bit_length()
    bits = 7 * width
    value = int.from_bytes(data[at : at + width], "big") & ((1 << bits) - 1)
    return (0 if width > 8 or value == (1 << bits) - 1 else value), at + width


class _Boxes(NamedTuple):
    """Names of an MP4's outer boxes, none if they make no sense, and where the last one ends."""

    names: frozenset[bytes]
    end: int


def _mp4_boxes(path: Path, size: int) -> _Boxes:
    at, names = 0, set[bytes]()
    with open(path, "rb") as file:
        for _ in range(_BOXES):
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                return _Boxes(frozenset(names), at)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            names.add(head[4:8])
            if length == 0:  # to the end of the file
                return _Boxes(frozenset(names), size)
            if length < 8 or not head[4:8].isascii():
                break
            at += length
    return _Boxes(frozenset(), 0)
