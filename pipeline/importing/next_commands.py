"""The commands that read a file of another program, by what its arrays look like."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..store.foreign.array_file import ArrayFacts
from ..store.foreign.hints import quoted
from ..store.foreign.kinds import FileKind
from .described_arrays import CODES, FEATURES, PACKED, Described

_MANY = 2  # data sets that differ in length alone: each is a video


def next_commands(path: Path, kind: FileKind, arrays: Sequence[Described]) -> tuple[str, ...]:
    """Return commands for what a file holds, features first.

    Args:
        path: The file.
        kind: What it is.
        arrays: What it holds.
    """
    features = [one.facts for one in arrays if one.looks_like == FEATURES]
    codes = [one for one in arrays if one.looks_like in (CODES, PACKED)]
    commands = []
    if features and kind is not FileKind.MATLAB:
        columns = _columns(kind, features)
        commands.append(f"chainpipe import {quoted(path)}{columns} --out feats.h5")
    if codes:
        labels = _labels(arrays)
        first = next((one for one in codes if one.facts.name != labels), codes[0])
        key = f" --key {first.facts.name}" if len(arrays) > 1 else ""
        bits = f" --bits {_bits(first.facts)}" if first.looks_like == PACKED else ""
        more = f" --labels {labels}" if labels else ""
        commands.append(f"chainpipe import codes {quoted(path)}{key}{bits}{more} --out codes.npz")
    return tuple(commands)


def _columns(kind: FileKind, features: Sequence[ArrayFacts]) -> str:
    """Return the options that name the features, where they need one."""
    if kind is FileKind.NUMPY_FOLDER or len(features) == 1:
        return ""
    names = [one.name for one in features]
    if kind is FileKind.HDF5 and len(names) >= _MANY and _differ_in_length(features):
        group = os.path.commonpath(names)
        ends = {name.removeprefix(group).strip("/").partition("/")[2] for name in names}
        inner = ends.pop() if len(ends) == 1 else ""
        return f" --group {group or '/'}" + f" --column {inner}" * bool(inner)
    return f" --column {names[0]}"


def _differ_in_length(features: Sequence[ArrayFacts]) -> bool:
    """Return whether data sets are [T, D] of one D: then each may be one video."""
    return len({one.shape[1:] for one in features}) == 1 and len(features[0].shape) == 2


def _labels(arrays: Sequence[Described]) -> str:
    """Return the name of an array of labels, empty where none is called so."""
    names = [one.facts.name for one in arrays]
    return next((name for name in names if "label" in name.lower()), "")


def _bits(one: ArrayFacts) -> int:
    size = {"uint8": 8, "uint16": 16, "uint32": 32}.get(one.dtype, 64)
    return size * (one.shape[1] if len(one.shape) == 2 else 1)
