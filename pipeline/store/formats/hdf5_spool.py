"""A file under HDF5 that remembers the first write error and carries on in memory.

The HDF5 library crashes the process when a write fails while a file is open (measured: a full
disk ends in a segmentation fault). So the error is kept from it, and raised after the close.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any


class Spool(io.RawIOBase):
    """A new file that HDF5 writes into; nobody else has it open.

    Args:
        path: Its name.

    Attributes:
        error: The first error, or ``None``.

    Raises:
        OSError: If the file cannot be made.
    """

    _handle = -1  # for `close`, when the file could not be made

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        self._at = self._size = 0
        self._unwritten: list[tuple[int, bytes]] = []
        self.error: OSError | None = None

    def check(self) -> None:
        """Raise the remembered error, if there is one; call it often, for memory's sake."""
        if self.error is not None:
            raise self.error

    def write(self, data: Any) -> int:
        """Write all of ``data``, to memory if the disk has failed before."""
        rest, at = memoryview(data).cast("B"), self._at
        try:
            while rest and self.error is None:
                done = os.pwrite(self._handle, rest, at)
                rest, at = rest[done:], at + done
        except OSError as error:
            self.error = error
        if rest:
            self._unwritten.append((at, bytes(rest)))
        self._at += len(data)
        self._size = max(self._size, self._at)
        return len(data)

    def readinto(self, buffer: Any) -> int:
        """Read what was written, wherever it went."""
        view, at = memoryview(buffer).cast("B"), self._at
        found = os.pread(self._handle, len(view), at)
        view[:] = found.ljust(len(view), b"\0")
        for start, data in self._unwritten:
            first, last = max(start, at), min(start + len(data), at + len(view))
            if first < last:
                view[first - at : last - at] = data[first - start : last - start]
        self._at += len(view)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Set the length."""
        self._size = self._at if size is None else size
        try:
            os.ftruncate(self._handle, self._size)
        except OSError as error:
            self.error = self.error or error
        return self._size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset."""
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        """Return the offset."""
        return self._at

    def close(self) -> None:
        """Close the file."""
        if not self.closed and self._handle >= 0:
            os.close(self._handle)
        super().close()
