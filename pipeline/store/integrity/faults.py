"""Convert exceptions of the format libraries to errors about damaged or foreign files."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from ...errors import ChainpipeError, DamageError, NotFoundError, StorageError, UsageError
from ..foreign.hints import reading_hint
from ..layout import PER_TIME, VERSION

# Altered bytes can make h5py, zarr and json raise nearly anything but a signal.
FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)

_BLOCK = 128  # rows that are checked at once

REPAIR = (
    "`chainpipe verify` lists all damage; `chainpipe repair` extracts just those videos again, "
    "`chainpipe extract` with `--restart` all of them"
)


@contextmanager
def read_errors(path: Path, what: str = "") -> Iterator[None]:
    """Turn what a library raises while ``path`` is read into a :class:`ChainpipeError`.

    Raises:
        DamageError: If the bytes make no sense.
        StorageError: If the disk does not give the bytes.
    """
    try:
        yield
    except FAULTS as error:
        raise fault(path, error, what) from error


def fault(path: Path, error: Exception, what: str = "") -> ChainpipeError:
    """Return `StorageError` for errors of the disk, else `DamageError`."""
    if isinstance(error, OSError) and error.errno in (errno.EIO, errno.ESTALE, errno.EACCES):
        hint = "check the disk and the permissions"
        return StorageError(f"cannot read `{path}`: {error.strerror}", hint=hint)
    return DamageError(f"`{path}` is damaged{what}", hint=REPAIR)


def damaged_rows(path: Path, names: Sequence[str], rows: Sequence[int]) -> DamageError:
    """Return the error that names the rows of some arrays."""
    return DamageError(f"`{path}` is damaged in {_of(names, rows)}", hint=REPAIR)


def row_line(path: Path, names: Sequence[str], rows: Sequence[int]) -> str:
    """Return one line of ``verify`` about some rows of some arrays."""
    return f"`{path}`: {_of(names, rows)} cannot be trusted"


def _of(names: Sequence[str], rows: Sequence[int]) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    return f"row{'s' * (len(rows) != 1)} {ranges(rows)} of {listed}"


def ranges(rows: Sequence[int]) -> str:
    """Return sorted row numbers for people.

    >>> ranges([3, 7, 8, 9])
    '3, 7-9'
    """
    starts = [row for last, row in pairwise([-2, *rows]) if row != last + 1]
    ends = [row for row, following in pairwise([*rows, -2]) if following != row + 1]
    pairs = zip(starts, ends, strict=True)
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in pairs)


def not_a_store(path: Path) -> NotFoundError:
    """Return the error about a file or folder that exists and is no store."""
    hint = reading_hint(path, "`chainpipe extract VIDEOS --out feats.h5` makes one")
    return NotFoundError(f"`{path}` is not a chainpipe feature store", hint=hint)


def check_version(path: Path, version: object) -> None:
    """Refuse a store of a later format.

    Raises:
        UsageError: If this program is too old for the store.
    """
    if version not in (VERSION, PER_TIME):
        message = f"`{path}` has store format {version}; this chainpipe reads up to {PER_TIME}"
        raise UsageError(message, hint="install a newer chainpipe")


def bad_rows(check: Callable[[range], object], count: int, *, at_once: int = _BLOCK) -> list[int]:
    """Return the rows for which ``check`` raises DamageError, asking for many at a time.

    >>> def check(rows):
    ...     if 130 in rows:
    ...         raise DamageError("no")
    >>> bad_rows(check, 1000)
    [130]
    """
    bad: list[int] = []
    for start in range(0, count, at_once):
        block = range(start, min(start + at_once, count))
        if not _passes(check, block):
            bad += [row for row in block if not _passes(check, range(row, row + 1))]
    return bad


def _passes(check: Callable[[range], object], rows: range) -> bool:
    try:
        check(rows)
    except DamageError:
        return False
    return True
