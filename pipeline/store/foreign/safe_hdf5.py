"""Read an untrusted HDF5 file: no other file is opened, and no array grows out of bounds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from ...errors import ChainpipeError, DamageError, UsageError
from ..integrity.faults import FAULTS, fault

MOST_GROWTH = 2000  # bytes of an array for each byte of it on disk: more than gzip can do
_MOST_LINKS = 40  # that are followed from one name, as by the kernel
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

    Soft links are followed here, not by HDF5, which would open other files on the way.

    Args:
        path: The file, for messages.
        group: Where to look.
        name: Parts separated by ``/``.

    Raises:
        UsageError: If it lies in another file.
        DamageError: If its links lead nowhere but to each other.
    """
    parts, followed = name.split("/")[::-1], 0
    while parts:
        part = parts.pop()
        if part in ("", "."):
            continue
        kind = _link_type(group, part)
        if kind is None:
            return None
        if kind == h5py.h5l.TYPE_HARD:
            group = group[part]
            continue
        if kind != h5py.h5l.TYPE_SOFT:
            raise UsageError(f"`{name}` of `{path}` lies in another file", hint=_HINT)
        if (followed := followed + 1) > _MOST_LINKS:
            hint = "name the data by another of its names"
            raise DamageError(f"`{name}` of `{path}` is a link to itself", hint=hint)
        target = os.fsdecode(group.id.links.get_val(os.fsencode(part)))
        group = group.file["/"] if target.startswith("/") else group
        parts += target.split("/")[::-1]
    return group


def _link_type(group: Any, name: str) -> int | None:
    """Return of which type a link of a group is without following it; ``None`` if there is none."""
    key = os.fsencode(name)
    if not isinstance(group, h5py.Group) or not group.id.links.exists(key):
        return None
    return int(group.id.links.get_info(key).type)


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
    """Yield the name, relative to a group, and each data set below it.

    Links are not followed, and a group that has several names is visited once: it may hold itself.
    """
    seen, pending = set[int](), list(group_members(group))[::-1]
    while pending:
        name = pending.pop()
        found = group[name]
        if isinstance(found, h5py.Dataset):
            yield name, found
        elif isinstance(found, h5py.Group) and (place := _address(found)) not in seen:
            seen.add(place)
            pending += [f"{name}/{below}" for below in group_members(found)][::-1]


def group_members(group: Any) -> Iterator[str]:
    """Yield the names of a group's own members; links are left out."""
    return (name for name in group if _link_type(group, name) == h5py.h5l.TYPE_HARD)


def _address(group: Any) -> int:
    return int(h5py.h5o.get_info(group.id).addr)
