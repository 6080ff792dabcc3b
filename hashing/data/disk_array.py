"""Arrays on disk, one row a video, larger than memory; read by index or in order.

Rows are read, not memory-mapped: pages of a map count as memory of this process, read ones only
while a batch is in use. The page cache of the system makes repeated reads fast.
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from chainpipe.pipeline.errors import StorageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

Part = npt.NDArray[np.float32]


class Splittable(Protocol):
    """Interface of arrays that can be read in chunks: a tensor, or :class:`DiskArray`."""

    def __len__(self) -> int: ...

    @property
    def shape(self) -> Sequence[int]:
        """Shape of the whole array."""
        ...

    def split(self, split_size: int) -> Iterable[Tensor]:
        """Return the rows in order, ``split_size`` at once."""
        ...


class DiskArray:
    """Array (N, ...) of float32 in an open file.

    Args:
        handle: File descriptor; closed with this object.
        shape: Shape of the array.
        path: Path of the file, for messages.
    """

    def __init__(self, handle: int, shape: tuple[int, ...], path: Path) -> None:
        self._handle, self.shape, self.path = handle, shape, path
        self._row = 4 * math.prod(shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"DiskArray({' x '.join(map(str, self.shape))} in {str(self.path)!r})"

    def __del__(self) -> None:
        os.close(self._handle)

    @property
    def nbytes(self) -> int:
        """Size of the file in bytes."""
        return self._row * len(self)

    def take(self, indices: Tensor) -> Tensor:
        """Read the rows at ``indices`` (n,), in their order, (n, ...).

        Raises:
            StorageError: If the file cannot be read or is cut short.
        """
        found = torch.empty(len(indices), *self.shape[1:])
        for i, row in enumerate(indices.tolist()):
            self._read(found[i : i + 1], row)
        return found

    def split(self, split_size: int) -> Iterator[Tensor]:
        """Yield all rows in order, ``split_size`` at once.

        Raises:
            StorageError: If the file cannot be read or is cut short.
        """
        for start in range(0, len(self), split_size):
            found = torch.empty(min(split_size, len(self) - start), *self.shape[1:])
            self._read(found, start)
            yield found

    def prefetch(self, start: int, count: int) -> None:
        """Start reading ``count`` rows from ``start`` on into the page cache; returns at once."""
        offset, length = start * self._row, count * self._row
        if hasattr(os, "posix_fadvise"):  # macOS has none, and reads without advice
            os.posix_fadvise(self._handle, offset, length, os.POSIX_FADV_WILLNEED)

    def _read(self, into: Tensor, first: int) -> None:
        """Fill a contiguous tensor from row ``first`` on."""
        view = into.numpy().data.cast("B")
        done, offset = 0, first * self._row
        while done < len(view):  # one call reads 2 GB at most  # one call reads 2 GB at most
            with storage_errors(self.path):
                count = os.preadv(self._handle, [view[done:]], offset + done)
            if not count:
                hint = "remove the `.training` folder beside the model and train again"
                raise StorageError(f"the file `{self.path}` is cut short", hint=hint)
            done += count


def write_disk_array(
    parts: Iterable[Part], count: int, *, folder: Path | None, name: str = "rows"
) -> DiskArray:
    """Write parts (n, ...), ``count`` rows in all, to a file and open it.

    An existing file with the same name, shape and first part is reused, so that a resumed run, or
    another process of the same run, does not write it again.

    Args:
        parts: Chunks in order; only the first is computed if the file exists.
        count: N, total number of rows.
        folder: Folder of the file; ``None``: an unnamed temporary file, deleted when closed.
        name: Prefix of the file's name.

    Raises:
        StorageError: If the file cannot be written.
    """
    rest = iter(parts)
    first = next(rest)
    shape = (count, *first.shape[1:])
    if folder is None:
        with tempfile.TemporaryFile() as file, storage_errors(Path(tempfile.gettempdir())):
            _fill(file.fileno(), chain([first], rest), shape)
            return DiskArray(os.dup(file.fileno()), shape, Path(tempfile.gettempdir()))
    path = folder / f"{name}-{_key(first, shape)}.f32"
    if not path.exists():
        with storage_errors(path), atomic_replace(path) as temporary, open(temporary, "wb") as file:
            _fill(file.fileno(), chain([first], rest), shape)
    with storage_errors(path):
        return DiskArray(os.open(path, os.O_RDONLY | os.O_CLOEXEC), shape, path)


def _key(first: Part, shape: tuple[int, ...]) -> str:
    return hashlib.sha256(f"{shape}:".encode() + first.tobytes()).hexdigest()[:16]


def _fill(handle: int, parts: Iterable[Part], shape: tuple[int, ...]) -> None:
    """Write all parts; disk space is allocated first, so that a full disk is reported at once."""
    if hasattr(os, "posix_fallocate"):  # not on macOS: a full disk is reported while writing
        os.posix_fallocate(handle, 0, 4 * math.prod(shape))
    done = 0
    for part in parts:
        view = np.ascontiguousarray(part, np.float32).data.cast("B")
        while len(view):
            written = os.pwrite(handle, view, done)
            done, view = done + written, view[written:]
    if done != 4 * math.prod(shape):
        raise ValueError(f"{done} bytes for an array of shape {shape}")
