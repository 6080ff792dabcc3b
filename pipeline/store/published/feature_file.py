"""One published file of features, read by slices and never whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from ...errors import ChainpipeError, DamageError
from ..integrity.faults import FAULTS, fault, ranges

KEY = "feats"
SAMPLE = 16  # rows that are hashed to identify a file
EXPECTED = f"an HDF5 data set `{KEY}` of float16 or float32, videos x frames x numbers"
FETCH = "get the file again from where it was published"


class FeatureFile:
    """An open file of N videos' features.

    Args:
        path: An HDF5 file with a data set ``feats``.

    Attributes:
        shape: (N, T, D).
        dtype: float16, or float32 for everything wider.

    Raises:
        DamageError: If it is no HDF5 file, lacks ``feats``, or that has another shape or type.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = self._open()
        try:
            self._data = self._file[KEY]
            shape, kind = tuple(self._data.shape), self._data.dtype
        except FAULTS as error:
            self._file.close()
            raise DamageError(f"`{path}` has no `{KEY}`", hint=f"expected {EXPECTED}") from error
        if len(shape) != 3 or kind.kind != "f" or 0 in shape:
            self._file.close()
            is_now = f"{' x '.join(map(str, shape))} {kind}"
            raise DamageError(f"`{path}` has `{KEY}` of {is_now}", hint=f"expected {EXPECTED}")
        self.shape: tuple[int, int, int] = (shape[0], shape[1], shape[2])
        self.dtype = np.dtype(np.float16 if kind.itemsize == 2 else np.float32)

    def _open(self) -> h5py.File:
        try:
            return h5py.File(self.path, "r", locking=False)
        except FAULTS as error:
            message = f"`{self.path}` is not a sound HDF5 file"
            raise DamageError(message, hint=f"expected {EXPECTED}; {FETCH}") from error

    def take(self, start: int, stop: int) -> npt.NDArray[np.floating]:
        """Return a run of rows, (stop - start, T, D).

        Raises:
            DamageError: If they cannot be read.
            StorageError: If the disk does not give them.
        """
        try:
            found: npt.NDArray[np.floating] = np.asarray(self._data[start:stop])
        except FAULTS as error:
            raise self._unreadable(error, start, stop) from error
        return found.astype(self.dtype, copy=False)

    def _unreadable(self, error: Exception, start: int, stop: int) -> ChainpipeError:
        known = fault(self.path, error)
        if not isinstance(known, DamageError):
            return known
        message = f"`{self.path}` is damaged in rows {ranges(range(start, stop))} of `{KEY}`"
        return DamageError(message, hint=FETCH)

    def identity(self) -> bytes:
        """Return a digest that identifies this file without reading it whole, 32 bytes.

        SHA-256 of its name, size, shape, type and the bytes of 16 rows spread over it. Bytes
        altered elsewhere go unseen: published files have no checksums.

        Raises:
            DamageError: If a sampled row cannot be read.
        """
        facts = f"{self.path.name} {self.path.stat().st_size} {self.shape} {self._data.dtype}"
        found = hashlib.sha256(facts.encode())
        count = self.shape[0]
        for row in np.unique(np.linspace(0, count - 1, SAMPLE).astype(int)).tolist():
            found.update(self.take(row, row + 1).tobytes())
        return found.digest()

    def close(self) -> None:
        """Release the file."""
        self._file.close()
