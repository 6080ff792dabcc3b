"""Read an array in NumPy's format row by row, from any stream of bytes: a file, a member of a zip.

Nothing is mapped into memory, so that an array larger than the address space can be read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import numpy.lib.format as npy_format
import numpy.typing as npt

from ...errors import DamageError, UsageError

_PIECE = 1 << 22  # bytes that are read at once
_HINT = "write it by `numpy.save`"


class NpyStream:
    """An array whose header was read; its rows follow.

    Args:
        file: At the start of the array.
        name: For messages.

    Attributes:
        shape: Its shape.
        dtype: Its type.
        fortran: Whether its first axis is the fastest.

    Raises:
        DamageError: If it has no sound header.
    """

    def __init__(self, file: IO[bytes], name: str = "it") -> None:
        self._file, self._name = file, name
        try:
            version = npy_format.read_magic(file)
            read = {(1, 0): npy_format.read_array_header_1_0}.get(
                version, npy_format.read_array_header_2_0
            )
            self.shape, self.fortran, self.dtype = read(file)
        except (ValueError, EOFError, OSError) as error:
            raise _unsound(name, str(error).partition("\n")[0]) from error
        if any(side < 0 for side in self.shape):
            raise _unsound(name, f"its shape is {list(self.shape)}")

    def refuse_objects(self) -> None:
        """Refuse pickled objects.

        Raises:
            UsageError: If it holds some.
        """
        if self.dtype.hasobject:
            message = f"`{self._name}` holds pickled objects, which are not read"
            raise UsageError(message, hint="save numbers, or strings of fixed length")

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return int(math.prod(self.shape)) * self.dtype.itemsize

    def rows(self) -> Iterator[npt.NDArray[Any]]:
        """Yield the N rows one after the other.

        Raises:
            DamageError: If the file ends before.
            UsageError: If it holds pickled objects, or its first axis is the fastest, so that rows
                do not follow each other.
        """
        self.refuse_objects()
        if self.fortran and len(self.shape) > 1:
            hint = "write it again by `numpy.save(file, numpy.ascontiguousarray(array))`"
            raise UsageError(f"`{self._name}` is in Fortran order", hint=hint)
        count, shape = self.shape[0], self.shape[1:]
        size = math.prod(shape) * self.dtype.itemsize
        at_once = max(1, _PIECE // max(1, size))
        for start in range(0, count, at_once):
            some = min(at_once, count - start)
            block = np.frombuffer(self._read(some * size), self.dtype)
            yield from block.reshape(some, *shape)

    def whole(self) -> npt.NDArray[Any]:
        """Return the whole array, which was found to be small; raises as :meth:`rows`."""
        self.refuse_objects()
        found = np.frombuffer(self._read(self.nbytes), self.dtype)
        return found.reshape(self.shape, order="F" if self.fortran else "C")

    def _read(self, size: int) -> bytearray:
        data = bytearray()
        while len(data) < size:
            piece = self._file.read(min(_PIECE, size - len(data)))
            if not piece:
                message = f"`{self._name}` ends {size - len(data)} bytes too early"
                raise DamageError(message, hint="copy it again from where it came")
            data += piece
        return data


def _unsound(name: str, reason: str) -> DamageError:
    return DamageError(f"`{name}` is not a sound `.npy` file: {reason}", hint=_HINT)
