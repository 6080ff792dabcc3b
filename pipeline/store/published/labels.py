"""Labels of a published set: a 0/1 matrix in a MATLAB file of any version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import DamageError
from ..integrity.faults import FAULTS


def read_labels(path: Path, key: str, rows: int) -> npt.NDArray[np.uint8]:
    """Read labels, multi-hot, (rows, C).

    Args:
        path: MATLAB file; version 7.3 is an HDF5 file, whose matrices are transposed.
        key: Name of the matrix.
        rows: How many videos the features have.

    Raises:
        DamageError: If it is no MATLAB file, lacks the matrix, or its shape or numbers are others.
    """
    expected = f"a matrix `{key}` of {rows} videos x classes, of 0 and 1"
    try:
        matrix = np.asarray(_matrix(path, key))
    except KeyError as error:
        raise _wrong(path, f"has no `{key}`", expected) from error
    except FAULTS as error:
        raise _wrong(path, "is not a sound MATLAB file", expected) from error
    if matrix.ndim != 2 or len(matrix) != rows or not matrix.shape[1]:
        shape = " x ".join(map(str, matrix.shape))
        raise _wrong(path, f"has `{key}` of {shape}", expected)
    if matrix.dtype.kind not in "biuf" or not np.isin(matrix, (0, 1)).all():
        raise _wrong(path, f"has other values in `{key}`", expected)
    return matrix.astype(np.uint8)


def _matrix(path: Path, key: str) -> Any:
    from scipy.io import loadmat

    try:
        found = loadmat(path, variable_names=[key])[key]
    except NotImplementedError:  # version 7.3
        import h5py

        with h5py.File(path, "r", locking=False) as file:
            return file[key][()].T
    return found.toarray() if hasattr(found, "toarray") else found  # sparse


def _wrong(path: Path, what: str, expected: str) -> DamageError:
    return DamageError(f"`{path}` {what}", hint=f"expected {expected}")
