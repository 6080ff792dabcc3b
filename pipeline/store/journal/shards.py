"""Immutable shard files: small HDF5 stores, either committed whole or deleted."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ...errors import ChainpipeError
from ...records import VideoFeatures, VideoTable
from .. import atomic
from ..base import FeatureStore
from ..formats import hdf5_userblock
from ..iterate import iter_rows
from ..open import open_store
from .database import JournalSpec
from .state import RowLocation
from .units import write_part

_NUMBER = re.compile(r"shard-(\d+)\.h5")
_OPEN = 8  # files held open at a time


class Shards:
    """The shard files of one folder, by number.

    Args:
        folder: Where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last = 0
        self._opened: OrderedDict[int, FeatureStore] = OrderedDict()

    def path(self, number: int) -> Path:
        """Return the file of a shard."""
        return self._folder / f"shard-{number:06}.h5"

    def write(self, number: int, videos: Sequence[VideoFeatures], spec: JournalSpec) -> str:
        """Write a shard and return its SHA-256; labels and splits are left to the manifest.

        Raises:
            StorageError: If the disk does not take it.
            ValueError: If a video does not fit the settings or is not finite.
        """
        return write_part(self.path(number), videos, (), spec)

    def take(self, number: int, unit: Path) -> str:
        """Make a whole unit of this folder a shard; return its SHA-256.

        Raises:
            OSError: If the disk does not take it.
        """
        os.replace(unit, self.path(number))
        atomic.flush_folder(self._folder)
        return str(hdf5_userblock.recorded_sha256(self.path(number)))

    def reserve(self, numbers: Iterable[int]) -> None:
        """Reserve these numbers and those of existing files."""
        found = (_NUMBER.fullmatch(path.name) for path in self._folder.iterdir())
        self._last = max([0, *numbers, *(int(match[1]) for match in found if match)])

    def number(self) -> int:
        """Return a number that no file has had: what a failed commit left is never written over."""
        self._last += 1
        return self._last

    def whole(self, number: int, sha256: str) -> bool:
        """Return whether the shard's bytes are those that were committed."""
        path = self.path(number)
        with suppress(ChainpipeError, FileNotFoundError):
            return hdf5_userblock.recorded_sha256(path) == sha256 == hdf5_userblock.digest(path)
        return False

    def videos(self, number: int) -> VideoTable:
        """Return the columns of a shard."""
        return self._open(number).videos

    def rows(self, locations: Sequence[RowLocation]) -> Iterator[VideoFeatures]:
        """Yield videos in the order asked, runs of neighbours at once."""
        start = 0
        for end in range(1, len(locations) + 1):
            (shard, row), (last, last_row) = locations[start], locations[end - 1]
            following = locations[end] if end < len(locations) else None
            if following != (last, last_row + 1):
                assert shard == last
                yield from iter_rows(self._open(shard), range(row, last_row + 1))
                start = end

    def close(self) -> None:
        """Release all files."""
        while self._opened:
            self._opened.popitem()[1].close()

    def _open(self, number: int) -> FeatureStore:
        if number not in self._opened:
            while len(self._opened) >= _OPEN:
                self._opened.popitem(last=False)[1].close()
            self._opened[number] = open_store(self.path(number))
        self._opened.move_to_end(number)
        return self._opened[number]
