"""Errors of the libraries that read files of other programs."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...console import printable
from ...errors import ChainpipeError, DamageError
from ..integrity.faults import FAULTS, fault


@contextmanager
def reading_errors(path: Path, what: str) -> Iterator[None]:
    """Turn what a library raises while a file is read into one of our errors.

    Args:
        path: The file.
        what: What it should be, such as ``a Parquet file``.

    Raises:
        DamageError: If its bytes make no sense.
        StorageError: If the disk does not give them.
    """
    try:
        yield
    except ChainpipeError:
        raise
    except (*FAULTS, zipfile.BadZipFile) as error:
        known = fault(path, error if isinstance(error, FAULTS) else ValueError(str(error)))
        if not isinstance(known, DamageError):
            raise known from error
        reason = " ".join(str(error).split())[:200]
        message = f"`{printable(path)}` is damaged or not {what}: {reason}"
        raise DamageError(message, hint="copy it again from where it came") from error
