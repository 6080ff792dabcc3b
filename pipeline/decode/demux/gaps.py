"""Bytes between packets that nobody reads, in containers that leave none there."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .packet_batch import Indices

# These leave next to nothing between packets, but for indexes.
TIGHT = ("matroska", "avi")
ROOM = 256  # bytes
CHUNK_HEAD = 8  # bytes of an avi chunk before a packet's own


class GapCheck:
    """Finds the gaps between packets of all streams, in the order in which they come.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last_pos, self._last_end = -1, 0

    def found(self, pos: Indices, size: Indices, before: Indices) -> list[int]:
        """Return how many packets of the film came before each gap.

        Args:
            pos: Byte positions of the next packets, -1 where unknown, (n,).
            size: Their bytes, (n,).
            before: How many packets of the film came before each, (n,).
        """
        known = pos >= 0
        pos, size, before = pos[known], size[known], before[known]
        if not len(pos):
            return []
        # Several sounds may be laced into one block: they have one position.
        first = np.flatnonzero(np.diff(pos, prepend=self._last_pos))
        heads = np.concatenate([[0], first]) if len(first) == 0 or first[0] else first
        ends = pos[heads] + np.add.reduceat(size, heads)
        if len(first) == 0 or first[0]:  # these go on with the block before
            ends[0] += self._last_end - pos[0]
            ends_before, heads = ends[:-1], heads[1:]
        else:
            ends_before = np.concatenate([[self._last_end], ends[:-1]])
        self._last_pos, self._last_end = int(pos[-1]), int(ends[-1])
        wide = (ends_before > 0) & (ends_before < pos[heads] - ROOM)
        gaps = zip(ends_before[wide].tolist(), heads[wide].tolist(), strict=True)
        return [int(before[h]) for end, h in gaps if not self._are_chunks(end, int(pos[h]))]

    def _are_chunks(self, begin: int, end: int) -> bool:
        """Return whether whole chunks fill the gap, as avi has for indexes and dropped frames."""
        at, end = begin + begin % 2, end - CHUNK_HEAD
        with open(self._path, "rb") as file:
            while at < end:
                file.seek(at)
                name, size = file.read(4), int.from_bytes(file.read(4), "little")
                if not name.isalnum():
                    return False
                at += 12 if name in (b"LIST", b"RIFF") else 8 + size + size % 2
        return at == end
