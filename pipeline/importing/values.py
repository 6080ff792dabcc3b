"""Ids, labels and splits of imported videos, as the columns of a store."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..console import counted, printable, shortened, some_names
from ..errors import UsageError
from ..inputs.manifest import FOLDERS, Labels
from ..inputs.manifest_files import ManifestRow, read_manifest_file, split_word
from ..records import Split
from ..store.arrays.columns import Columns


@dataclass(frozen=True, slots=True)
class RawColumns:
    """Values of N videos as their file has them; ``None`` where a video has none.

    Attributes:
        ids: Names.
        labels: Names, numbers, lists of them, or 0 and 1 for each class.
        splits: Names.
    """

    ids: list[Any]
    labels: list[Any]
    splits: list[Any]


def columns_of(raw: RawColumns) -> Columns:
    """Return the columns of a store.

    Without names videos are called after their number.

    Raises:
        UsageError: If an id is missing or comes twice, or a value cannot be one.
    """
    count = len(raw.ids)
    return Columns.of(
        count,
        ids=_ids(raw.ids),
        labels=_labels(raw.labels),
        splits=[split_word(value, where=f"row {row}") for row, value in enumerate(raw.splits)],
    )


def _ids(values: list[Any]) -> list[str | bytes] | None:
    if all(value is None for value in values):
        return None
    found = []
    for row, value in enumerate(values):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value is None or isinstance(value, list | dict | float) or value in ("", b""):
            hint = "each video has a name of its own"
            raise UsageError(f"row {row} has no id: `{shortened(repr(value), 60)}`", hint=hint)
        found.append(value if isinstance(value, bytes) else str(value))
    names = Counter(found)
    if len(names) < len(found):
        twice = [name for name, times in names.items() if times > 1]
        rows = [row for row, name in enumerate(found) if name == twice[0]]
        listed = ", ".join(map(str, rows[:4])) + " ..." * (len(rows) > 4)
        message = f"{counted(len(twice), 'id')} more than once: `{printable(str(twice[0]))}`"
        hint = "each video has a name of its own; leave the others out"
        raise UsageError(f"{message} in rows {listed}", hint=hint)
    return found


def _labels(values: list[Any]) -> Any:
    """Return labels in one of the forms that ``Columns`` takes."""
    values = [_whole(value) for value in values]
    numbers = [value for value in values if isinstance(value, int)]
    if numbers and all(value is None or isinstance(value, int) for value in values):
        return [-1 if value is None else value for value in values]
    lists = [value for value in values if isinstance(value, list)]
    if lists and all(isinstance(one, int | bool) for value in lists for one in value):
        lengths = {len(value) for value in lists}
        if len(lists) == len(values) and len(lengths) == 1 and _zero_one(lists):
            return np.array(values, np.uint8)
        return [[str(one) for one in value or ()] for value in values]
    return [str(value) if isinstance(value, int) else value for value in values]


def _zero_one(lists: list[list[Any]]) -> bool:
    return len(lists[0]) > 1 and all(one in (0, 1) for value in lists for one in value)


def _whole(value: Any) -> Any:
    """Return whole floats, as MATLAB has them, as integers, also in lists; blanks as nothing."""
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def with_labels(columns: Columns, labels: Labels) -> tuple[Columns, tuple[str, ...]]:
    """Replace labels and splits by those of folders or of a list; return notes for the user.

    Args:
        columns: Of the videos.
        labels: ``folders``: the first folder of an id is its label. A path: a list with the
            columns path, label and split; a line fits the video whose id is its path, or its path
            without suffix.

    Raises:
        UsageError: If the list is wrong, or none of its lines fits.
    """
    if labels == FOLDERS:
        firsts = [path.partition(b"/") for path in columns.paths]
        named = [os.fsdecode(folder) if slash else None for folder, slash, _ in firsts]
        return _relabelled(columns, named, None), ()
    return _of_list(columns, Path(labels))


def _of_list(columns: Columns, file: Path) -> tuple[Columns, tuple[str, ...]]:
    rows = read_manifest_file(file).rows
    by_path = {row.path: row for row in rows}
    by_stem = {os.path.splitext(row.path)[0]: row for row in reversed(rows)}
    found: list[ManifestRow | None] = [
        by_path.get(path) or by_stem.get(path) for path in columns.paths
    ]
    used = {row.line for row in found if row is not None}
    if not used:
        hint = f"its paths are the videos' ids: {some_names(list(columns.paths))}"
        raise UsageError(f"no line of `{file}` names one of the videos", hint=hint)
    unused = [row.path for row in rows if row.line not in used]
    notes = [f"{counted(len(unused), 'line')} of `{file}` fit no video: {some_names(unused)}"]
    labels = [None if row is None else list(row.labels or ()) for row in found]
    splits = [Split.NONE if row is None else row.split or Split.NONE for row in found]
    told = any(row is not None and row.split is not None for row in found)
    changed = _relabelled(columns, labels, splits if told else None)
    return changed, tuple(notes[: bool(unused)])


def _relabelled(columns: Columns, labels: list[Any], splits: list[Split] | None) -> Columns:
    new = Columns.of(len(labels), labels=labels)
    split = columns.split if splits is None else np.array(splits, np.uint8)
    return replace(columns, labels=new.labels, label_names=new.label_names, split=split)
