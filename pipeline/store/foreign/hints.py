"""The one place that says which command reads a file of another program."""

from __future__ import annotations

import shlex
from pathlib import Path

from ..published.layouts import LAYOUTS, Layout, layout_of
from .kinds import FileKind, kind_of

_MAY_BE_CODES = (FileKind.NUMPY, FileKind.NPZ, FileKind.HDF5)
_PICKLES = (
    "it is a pickle, which can run any program when it is read: save its arrays by `numpy.save`"
)


def reading_hint(path: Path, default: str) -> str:
    """Return which command reads a file or folder, in place of the one that was given it.

    Args:
        path: What was given.
        default: What to say where nothing here reads it.

    Example:
        >>> reading_hint(Path("no-such-file"), "name a store")
        'name a store'
    """
    kind, name = kind_of(path), quoted(path)
    if (layout := part_of(path)) is not None and layout_of(path.parent) is layout:
        folder = quoted(path.parent)
        words = f"it is a part of the published set `{layout.name}`"
        return f"{words}: `chainpipe train {folder}` reads the folder{_info(path)}"
    if kind is None:
        return default
    if kind is FileKind.PICKLE:
        return _PICKLES
    if kind is FileKind.STORE:
        return f"it is a feature store: `chainpipe encode {name}` makes codes of it"
    if kind is FileKind.CODES:
        return f"it is a codes file: `chainpipe eval --codes {name}` evaluates it"
    codes = f"`chainpipe import codes {name} --out codes.npz`"
    if kind is FileKind.MATLAB:
        return f"{codes} reads binary codes{_info(path)}"
    more = f", {codes} binary codes" * (kind in _MAY_BE_CODES)
    return f"{import_command(path)} reads features{more}{_info(path)}"


def import_command(path: Path) -> str:
    """Return the command that makes a store of a file's features.

    >>> import_command(Path("my feats.npy"))
    "`chainpipe import 'my feats.npy' --out feats.h5`"
    """
    return f"`chainpipe import {quoted(path)} --out feats.h5`"


def part_of(path: Path) -> Layout | None:
    """Return the published set that has a file of this name, ``None`` for others.

    >>> part_of(Path("data/fcv_train_feats.h5")).name
    'fcv'
    """
    return next((one for one in LAYOUTS if path.name in one.files), None)


def quoted(path: Path) -> str:
    """Return a path as a shell takes it."""
    return shlex.quote(str(path))


def _info(path: Path) -> str:
    return f"; `chainpipe info {quoted(path)}` shows what it holds"
