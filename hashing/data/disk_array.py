"""Rows in a file: arrays with a row a video that are larger than memory, read by row or in order.

They are read, not mapped: only what is asked for is in this process's memory, and the system's
page cache makes the rest as fast as the machine has room for.
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
    """Rows that come in parts, in order: a tensor, or :class:`DiskArray`."""

    def __len__(self) -> int: ...

    @property
    def shape(self) -> Sequence[int]:
        """Of the whole array."""
        ...

    def split(self, split_size: int) -> Iterable[Tensor]:
        """Return the rows, so many at once."""
        ...


class DiskArray:
    """An array (B, ...) of float32 in an open file.

    Args:
        handle: Descriptor of the file; closed with this object.
        shape: Of the array.
        path: For messages.
    """

    def __init__(self, handle: int, shape: tuple[int, ...], path: Path) -> None:
        self._handle, self.shape, self.path = handle, shape, path
        self._row = 4 * math.prod(shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"DiskRows({' x '.join(map(str, self.shape))} in {str(self.path)!r})"

    def __del__(self) -> None:
        os.close(self._handle)

    @property
    def nbytes(self) -> int:
        """Bytes of the file."""
        return self._row * len(self)

    def take(self, indices: Tensor) -> Tensor:
        """Return some rows, (n, ...), read in the order of ``indices`` (n,).

        Raises:
            StorageError: If the file cannot be read or is cut short.
        """
        found = torch.empty(len(indices), *self.shape[1:])
        for place, number in enumerate(indices.tolist()):
            self._read(found[place : place + 1], number)
        return found

    def split(self, split_size: int) -> Iterator[Tensor]:
        """Yield all rows in order, so many at once.

        Raises:
            StorageError: If the file cannot be read or is cut short.
        """
        for start in range(0, len(self), split_size):
            found = torch.empty(min(split_size, len(self) - start), *self.shape[1:])
            self._read(found, start)
            yield found

    def prefetch(self, start: int, count: int) -> None:
        """Tell the system that rows ``start`` and so many after it will be read soon."""
        offset, length = start * self._row, count * self._row
        if hasattr(os, "posix_fadvise"):  # macOS has none, and reads without advice
            os.posix_fadvise(self._handle, offset, length, os.POSIX_FADV_WILLNEED)

    def _read(self, into: Tensor, first: int) -> None:
        """Fill a contiguous tensor from row ``first`` on."""
        view = into.numpy().data.cast("B")
        done, offset = 0, first * self._row
        while done < len(view):
            with storage_errors(self.path):
                count = os.preadv(self._handle, [view[done:]], offset + done)
            if not count:
                hint = "remove the `.training` folder beside the model and train again"
                raise StorageError(f"the file `{self.path}` is cut short", hint=hint)
            done += count


def write_disk_array(
    parts: Iterable[Part], count: int, *, folder: Path | None, name: str = "rows"
) -> DiskArray:
    """Write parts (n, ...) that add up to ``count`` rows to a file, and open it.

    A file with the same name, size and first part is taken as it is, so that a run that
    continues, or another process of the same run, need not make it again.

    Args:
        parts: In order; only the first is asked for when the file is there.
        count: B.
        folder: Where; ``None`` is a file without a name that goes away by itself.
        name: What the file holds.

    Raises:
        StorageError: If the disk says no.
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
    """Write all parts; space is reserved first, so that a full disk is reported at once."""
    if hasattr(os, "posix_fallocate"):  # macOS has none: there a full disk is met while writing
        os.posix_fallocate(handle, 0, 4 * math.prod(shape))
    done = 0
    for part in parts:
        view = np.ascontiguousarray(part, np.float32).data.cast("B")
        while len(view):
            written = os.pwrite(handle, view, done)
            done, view = done + written, view[written:]
    if done != 4 * math.prod(shape):
        raise ValueError(f"{done} bytes for an array of shape {shape}")
