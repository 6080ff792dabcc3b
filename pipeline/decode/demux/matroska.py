"""The outer elements of a Matroska file: its tracks and where its clusters begin.

Only files of the plain kind are understood: one segment of a known size, whose tracks are
numbered below 127.

The elements: RFC 8794 and RFC 9559, https://www.rfc-editor.org/rfc/rfc9559
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO

EBML_HEAD, SEGMENT, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1654AE6B, 0x1F43B675
TRACK_ENTRY, TRACK_NUMBER, TRACK_TYPE, TRACK_SCALE = 0xAE, 0xD7, 0x83, 0x23314F
ENCODINGS = 0x6D80
TYPES = (1, 2, 17)  # of tracks that libav makes streams of: video, sound, subtitles
HEAD = 12  # bytes that an element's id and size take at most
MOST_HEADS = 1000  # elements before the first cluster
MOST_TRACKS = 1 << 24  # bytes of the element that describes the tracks
ONE_BYTE = 126  # the highest number of a track that one byte can say

Element = tuple[int, int, int]
"""Id of an element, and where its content begins and ends."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A plain file's tracks and place of clusters.

    Attributes:
        tracks: First byte of each track's blocks.
        encoded: First bytes of those tracks whose blocks are not what libav hands out.
        first: Where the first cluster begins.
        end: Where the segment ends.
    """

    tracks: frozenset[int]
    encoded: frozenset[int]
    first: int
    end: int


def outline(file: FileIO) -> Outline | None:
    """Return the outline of a file, ``None`` if it is not of the plain kind."""
    size = os.fstat(file.fileno()).st_size
    tracks: frozenset[int] = frozenset()
    encoded: frozenset[int] = frozenset()
    at, end = 0, size
    for _ in range(MOST_HEADS):
        found = element(os.pread(file.fileno(), HEAD, at))
        if found is None:
            return None
        kind, begin, length = found[0], at + found[1], found[2] - found[1]
        if begin + length > end:
            return None
        if kind == CLUSTER:
            return Outline(tracks, encoded, at, end) if tracks else None
        if kind == SEGMENT:
            at, end = begin, begin + length
            continue
        if kind == TRACKS:
            if tracks or length > MOST_TRACKS:
                return None
            told = _tracks(os.pread(file.fileno(), length, begin))
            if told is None:
                return None
            tracks, encoded = told
        at = begin + length
    return None


def _tracks(content: bytes) -> tuple[frozenset[int], frozenset[int]] | None:
    """Return the first bytes of all tracks' blocks, and those of encoded or scaled tracks."""
    tracks, encoded = set(), set()
    for kind, begin, end in elements(content, 0, len(content)):
        if kind < 0:
            return None
        if kind != TRACK_ENTRY:
            continue
        told = {kind: content[a:b] for kind, a, b in elements(content, begin, end)}
        number = int.from_bytes(told.get(TRACK_NUMBER, b""), "big")
        kind_of = int.from_bytes(told.get(TRACK_TYPE, b""), "big")
        if -1 in told or not 1 <= number <= ONE_BYTE or kind_of not in TYPES:
            return None
        if 128 | number in tracks:
            return None
        tracks.add(128 | number)
        if ENCODINGS in told or TRACK_SCALE in told:
            encoded.add(128 | number)
    return frozenset(tracks), frozenset(encoded)


def elements(data: bytes | bytearray, begin: int, end: int) -> Iterator[Element]:
    """Yield the elements of a range of bytes; one with the id -1 where they do not add up."""
    at = begin
    while at < end:
        found = element(data, at)
        if found is None or found[2] > end:
            yield -1, at, end
            return
        yield found
        at = found[2]


def element(data: bytes | bytearray, at: int = 0) -> Element | None:
    """Return the element at a place, whose content may go beyond the data.

    ``None`` stands for no element, or one of unknown size.

    >>> element(bytes([0xE7, 0x82, 1, 0]))
    (231, 2, 4)
    """
    width = 9 - data[at].bit_length() if at < len(data) else 9
    begin = at + width
    if width > 4 or begin >= len(data):
        return None
    length = 9 - data[begin].bit_length()
    told = int.from_bytes(data[begin : begin + length], "big")
    most = (1 << 7 * length) - 1
    if length > 8 or begin + length > len(data) or told & most == most:
        return None
    content = begin + length
    return int.from_bytes(data[at:begin], "big"), content, content + (told & most)
