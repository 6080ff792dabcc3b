"""Describe a file of another program: its kind, its arrays, and the commands that go on with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..store.foreign.array_file import ArrayFacts, arrays_in
from ..store.foreign.hints import part_of, quoted
from ..store.foreign.kinds import FileKind, kind_of
from .described_arrays import Described, described_arrays
from .next_commands import next_commands

MOST_LISTED = 12
_PICKLE = "not read: a pickle can run any program; save its arrays by `numpy.save`"


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """What a file or folder holds.

    Attributes:
        path: The place.
        kind: What it is, in words.
        layout: Published set that has a file of this name, empty for none.
        missing: Files of that set that are not beside it.
        arrays: Its first arrays or columns.
        count: How many it has.
        commands: What goes on with it, the likeliest first.
        note: One line more, may be empty.
    """

    path: Path
    kind: str
    layout: str
    missing: tuple[str, ...]
    arrays: tuple[ArrayFacts, ...]
    count: int
    commands: tuple[str, ...]
    note: str = ""

    def facts(self) -> dict[str, object]:
        """Return the same as JSON-able facts."""
        return {
            "schema": 1,
            "path": str(self.path),
            "kind": self.kind,
            "layout": self.layout or None,
            "missing": list(self.missing),
            "arrays": [
                {"name": one.name, "shape": list(one.shape), "dtype": one.dtype}
                for one in self.arrays
            ],
            "count": self.count,
            "commands": list(self.commands),
            "note": self.note,
        }


def describe(path: Path) -> ForeignFile | None:
    """Describe a file or folder; ``None`` for one that is ours or that nothing here reads.

    Args:
        path: Any place.

    Raises:
        DamageError: If it is damaged.
        UsageError: If the package that reads it is missing.
    """
    kind = kind_of(path)
    if kind is None or kind in (FileKind.STORE, FileKind.CODES):
        return None
    if kind is FileKind.PICKLE:
        return ForeignFile(path, kind.value, "", (), (), 0, (), _PICKLE)
    arrays = described_arrays(path, kind)
    if (layout := part_of(path)) is not None:
        return _published(path, kind, layout.name, layout.files)
    listed = tuple(one.facts for one in arrays[:MOST_LISTED])
    commands = next_commands(path, kind, arrays)
    return ForeignFile(path, kind.value, "", (), listed, len(arrays), commands)


def _published(path: Path, kind: FileKind, name: str, files: tuple[str, ...]) -> ForeignFile:
    """Describe a file of a published set, whose whole folder is a store."""
    missing = tuple(one for one in files if not (path.parent / one).is_file())
    folder, arrays = quoted(path.parent), tuple(arrays_in(path))
    commands: tuple[str, ...] = (f"chainpipe train {folder} --bits 64",)
    note = "its folder is read as it is"
    if missing:
        note = "its folder is read as it is once all files are there; alone it can be imported"
        commands = next_commands(path, kind, [Described(one, "features") for one in arrays])
    return ForeignFile(path, kind.value, name, missing, arrays, len(arrays), commands, note)
