"""Paths of B videos in one run of bytes, as a codes file holds them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import overload

import numpy as np
import numpy.typing as npt

from .bitpack import U8


class PackedPaths(Sequence[bytes]):
    """A read-only sequence of B paths; none is made before it is asked for.

    Args:
        run: All bytes, one path after the other.
        offsets: Where the paths start and end, (B + 1,).

    Raises:
        ValueError: If the offsets do not fit the bytes.

    Example:
        >>> paths = PackedPaths.of([b"a.mp4", b"b/c.mp4"])
        >>> len(paths), paths[1], paths == (b"a.mp4", b"b/c.mp4"), paths.find(b"b/c.mp4")
        (2, b'b/c.mp4', True, 1)
    """

    def __init__(self, run: U8, offsets: npt.NDArray[np.int64]) -> None:
        bounded = len(offsets) and offsets[0] == 0 and offsets[-1] == len(run)
        lengths = offsets[1:] - offsets[:-1]
        if not bounded or (lengths < 0).any():
            raise ValueError("path offsets do not fit the path bytes")
        self.run, self.offsets, self._lengths = run, offsets, lengths
        self._of_length: dict[int, npt.NDArray[np.int64]] = {}  # rows, once asked for

    @classmethod
    def of(cls, paths: Sequence[bytes]) -> PackedPaths:
        """Return paths of any kind packed."""
        if isinstance(paths, cls):
            return paths
        offsets = np.zeros(len(paths) + 1, np.int64)
        np.cumsum([len(path) for path in paths], out=offsets[1:])
        return cls(np.frombuffer(b"".join(paths), np.uint8), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, row: int) -> bytes: ...
    @overload
    def __getitem__(self, row: slice) -> tuple[bytes, ...]: ...
    def __getitem__(self, row: int | slice) -> bytes | tuple[bytes, ...]:
        if isinstance(row, slice):
            start, stop, step = row.indices(len(self))
            if step == 1:
                return _cut(self.run, self.offsets[start : max(start, stop) + 1])
            return tuple(self[one] for one in range(start, stop, step))
        row = range(len(self))[row]
        return self.run[self.offsets[row] : self.offsets[row + 1]].tobytes()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PackedPaths):
            return np.array_equal(self.offsets, other.offsets) and np.array_equal(
                self.run, other.run
            )
        return isinstance(other, Sequence) and self[:] == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"PackedPaths({len(self)} paths)"

    def find(self, path: bytes) -> int | None:
        """Return the first row of a path, ``None`` where there is none."""
        if (rows := self._of_length.get(len(path))) is None:
            rows = np.flatnonzero(self._lengths == len(path))
            self._of_length[len(path)] = rows
        ends = self.offsets[rows + 1]
        for back, byte in enumerate(reversed(path), start=1):  # most paths differ near their end
            if not len(rows):
                break
            fits = self.run[ends - back] == byte
            rows, ends = rows[fits], ends[fits]
        return int(rows[0]) if len(rows) else None


def _cut(run: U8, offsets: npt.NDArray[np.int64]) -> tuple[bytes, ...]:
    """Return the paths between consecutive offsets."""
    first = int(offsets[0])
    whole = run[first : int(offsets[-1])].tobytes()
    return tuple(whole[a:b] for a, b in pairwise((offsets - first).tolist()))
