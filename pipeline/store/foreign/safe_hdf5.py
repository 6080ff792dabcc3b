"""Read an untrusted HDF5 file: no other file is opened, and no array grows out of bounds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from ...errors import ChainpipeError, DamageError, UsageError
from ..integrity.faults import FAULTS, fault

MOST_GROWTH = 2000  # bytes of an array for each byte of it on disk: more than gzip can do
_HINT = "copy the data into one file by `h5repack`, or with h5py"


@contextmanager
def opened_hdf5(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading.

    Raises:
        DamageError: If it is no sound HDF5 file, or what is read of it is damaged.
        StorageError: If the disk does not give it.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except ChainpipeError:
        raise
    except FAULTS as error:
        known = fault(path, error)
        if not isinstance(known, DamageError):
            raise known from error
        reason = " ".join(str(error).split())
        message = f"`{path}` is not a sound HDF5 file: {reason}"
        raise DamageError(message, hint="copy it again from where it came") from error


def member(path: Path, group: Any, name: str) -> Any:
    """Return a group or data set by name, ``None`` where there is none.

    Args:
        path: The file, for messages.
        group: Where to look.
        name: Parts separated by ``/``.

    Raises:
        UsageError: If it lies in another file.
    """
    for part in (part for part in name.split("/") if part):
        if not isinstance(group, h5py.Group) or part not in group.keys():  # noqa: SIM118
            return None
        if isinstance(group.get(part, getlink=True), h5py.ExternalLink):
            raise UsageError(f"`{name}` of `{path}` lies in another file", hint=_HINT)
        group = group[part]
    return group


def checked(path: Path, name: str, data: Any) -> Any:
    """Return a data set whose numbers all lie in the file itself.

    Raises:
        UsageError: If they lie in another file.
        DamageError: If it claims to be far larger than what the file holds.
    """
    if data.external or data.is_virtual:
        raise UsageError(f"the numbers of `{name}` of `{path}` lie in other files", hint=_HINT)
    held = data.id.get_storage_size()
    if data.nbytes > max(1 << 20, MOST_GROWTH * held):
        message = f"`{name}` of `{path}` claims {data.nbytes} bytes, and {held} are there"
        raise DamageError(message, hint="copy it again from where it came")
    return data


def data_sets(group: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name, relative to a group, and each data set below it; links are not followed."""
    for name in group.keys():  # noqa: SIM118 (a group iterates likewise, but mypy does not know)
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink | h5py.SoftLink):
            continue
        found = group[name]
        if isinstance(found, h5py.Dataset):
            yield name, found
        elif isinstance(found, h5py.Group):
            yield from ((f"{name}/{below}", data) for below, data in data_sets(found))
