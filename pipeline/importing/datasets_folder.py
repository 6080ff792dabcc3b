"""Features in a dataset that the library ``datasets`` saved to disk; nothing is downloaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..store.foreign.reading import reading_errors
from .arrow_rows import ArrowColumns
from .source import ColumnNames, SourceRow

_WHAT = "a saved dataset"
_ROWS = 64


class DatasetFolder:
    """A folder that ``Dataset.save_to_disk`` or ``DatasetDict.save_to_disk`` wrote.

    See ``FeatureSource``. The parts of a ``DatasetDict`` are the splits; class numbers become the
    names that the dataset has for them.

    Args:
        path: The folder.
        names: Its columns.

    Raises:
        UsageError: If a column is not there or cannot be features, or a part lies elsewhere.
        DamageError: If it is damaged.
    """

    def __init__(self, path: Path, names: ColumnNames) -> None:
        self.path = path
        with reading_errors(path, _WHAT):
            self._parts = parts_of_dataset(path)
        first = next(iter(self._parts.values()))
        self._columns = ArrowColumns(path, first.features.arrow_schema, names)
        for split, part in self._parts.items():
            if part.features.arrow_schema != first.features.arrow_schema:
                hint = "import its parts one by one"
                raise UsageError(f"the part `{split}` of `{path}` has other columns", hint=hint)
        self.column, self.unread = self._columns.features, self._columns.unread
        self.count = sum(map(len, self._parts.values()))
        self._class_names = _class_names(first.features.get(names.labels or ""))

    def rows(self) -> Iterator[SourceRow]:
        """Yield all videos; see ``FeatureSource``."""
        first = 0
        for split, part in self._parts.items():
            view = part.select_columns(self._columns.read).with_format("arrow")
            with reading_errors(self.path, _WHAT):
                for table in view.iter(_ROWS):
                    for batch in table.combine_chunks().to_batches():
                        for row in self._columns.rows(batch, first):
                            yield self._named(row, split)
                        first += len(batch)

    def _named(self, row: SourceRow, split: str) -> SourceRow:
        labels, names = row.labels, self._class_names
        if names:
            labels = (
                [names[one] for one in labels if one >= 0]
                if isinstance(labels, list)
                else (names[labels] if isinstance(labels, int) and labels >= 0 else None)
            )
        splits = row.splits if "splits" in self._columns.beside else split or None
        return SourceRow(row.place, row.features, row.ids, labels, splits)


def parts_of_dataset(path: Path) -> dict[str, Any]:
    """Open the parts of a folder, by split; one of no splits has the name ``""``.

    Raises:
        UsageError: If a part lies elsewhere, or there is none.
    """
    from datasets import load_from_disk

    listed = path / "dataset_dict.json"
    splits = json.loads(listed.read_text("utf-8"))["splits"] if listed.is_file() else [""]
    for split in splits:
        _check_inside(path, split)
        state = json.loads((path / split / "state.json").read_text("utf-8"))
        for one in state["_data_files"]:
            _check_inside(path, one["filename"])
    found = {split: load_from_disk(str(path / split), keep_in_memory=False) for split in splits}
    if not found:
        raise UsageError(f"`{path}` has no part", hint="save it again by `save_to_disk`")
    return found


def _check_inside(path: Path, name: str) -> None:
    """Refuse a name of a part that leads out of the folder."""
    if name and (name != Path(name).name or name in (".", "..")):
        raise UsageError(f"a part of `{path}` lies elsewhere: `{name}`", hint="save it again")


def _class_names(feature: Any) -> list[str]:
    """Return the names of class numbers, of a column or of its lists, if it has some."""
    inner = getattr(feature, "feature", feature)
    return list(getattr(inner, "names", None) or [])
