"""Lists of videos in files: tables as spreadsheets write them, and JSON lines.

The columns, or keys, are path, label, split and root; others are ignored.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..console import printable, restored, shortened
from ..errors import UsageError
from ..records import Split
from .list_text import decode_list, split_header
from .spelling import plain_text

KEYS = ("path", "label", "split", "root")
LIST_SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl")
_OTHER_WORDS = {"training": "train", "validation": "val", "valid": "val", "testing": "test"}
_SPLITS = ", ".join(split.name.lower() for split in Split)
_HINT = "the columns are path, label and split; others are ignored"
_SHOWN = 40  # characters of a column's name


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One line of a list.

    Attributes:
        path: Bytes, relative to the list's folder, in the shortest form.
        labels: Names, or ``None`` if the list has no labels.
        split: The part of the data set, or ``None`` if the list has no splits.
        line: Its number in the file.
        root: The folder that the path is relative to, if the list names one; it may not exist.
    """

    path: bytes
    labels: tuple[str, ...] | None
    split: Split | None
    line: int
    root: str = ""


@dataclass(frozen=True, slots=True)
class ManifestList:
    """A list of videos.

    Attributes:
        rows: Its videos in order; no path twice.
        ignored: Names of the columns that mean nothing here.
    """

    rows: tuple[ManifestRow, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Record:
    """The fields of one line by name; names are lower case."""

    line: int
    fields: Mapping[str, object]


def read_manifest_file(file: Path) -> ManifestList:
    """Read a list of videos: ``.jsonl`` is JSON lines, everything else a table.

    A table may be separated by commas, semicolons, tabs or bars, in UTF-8, UTF-16 or Windows-1252,
    with a line ``sep=;`` before its header, blank lines, and columns without a name. Bytes that are
    not UTF-8 survive in paths, as ``os.fsdecode`` would have them.

    Raises:
        UsageError: If it cannot be read, or a line is wrong; the message names the line, and how
            the header was read.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read `{file}`: {error.strerror}") from error
    text = decode_list(data, where=f"`{file}`")
    read = _json_records if file.suffix.lower() == ".jsonl" else _table_records
    rows: list[ManifestRow] = []
    seen: dict[tuple[str, bytes], int] = {}
    ignored: dict[str, None] = {}
    for record in read(file, text.text, text.encoding):
        where = f"`{file}` line {record.line}"
        ignored |= dict.fromkeys(name for name in record.fields if name not in KEYS)
        row = _row(record, os.path.abspath(file.parent), where=where)
        if (row.root, row.path) in seen:
            raise UsageError(
                f"{where}: `{os.fsdecode(row.path)}` is there twice",
                hint=f"it is also on line {seen[row.root, row.path]}; keep one of them",
            )
        seen[row.root, row.path] = row.line
        rows.append(row)
    return ManifestList(tuple(rows), tuple(ignored))


def _table_records(file: Path, text: str, encoding: str) -> Iterator[_Record]:
    """Yield each line of a table with the number of its last line."""
    header = split_header(text, KEYS[0])
    where = f"`{file}` line {header.line}"
    names = [name.strip().casefold() for name in header.columns]
    while names and not names[-1]:
        names.pop()
    if KEYS[0] not in names:
        if not header.columns:
            raise UsageError(f"{where} has no `path`: the list is empty", hint=_HINT)
        columns = ", ".join(f"`{shortened(printable(name), _SHOWN)}`" for name in header.columns)
        way = f"{encoding}, separated by {header.separator_name}"
        raise UsageError(f"{where} has no `path`; it was read as {way}: {columns}", hint=_HINT)
    _refuse_twins(names, where=where)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=header.separator, strict=True)
    try:
        for cells in reader:
            if reader.line_num <= header.line or not any(cell.strip() for cell in cells):
                continue
            _refuse_strays(cells, names, header.separator, f"`{file}` line {reader.line_num}")
            cells += [""] * (len(names) - len(cells))
            fields = {name: cell for name, cell in zip(names, cells, strict=False) if name}
            yield _Record(reader.line_num, fields)
    except csv.Error as error:
        raise UsageError(f"`{file}` line {reader.line_num}: {error}") from error


def _refuse_strays(cells: Sequence[str], names: Sequence[str], separator: str, where: str) -> None:
    """Refuse a line with text below no name: a separator in a path or label shifts the others."""
    first = names.index(KEYS[0])  # what is left of it without a name is a table's own index
    named = [bool(name) or at < first for at, name in enumerate(names)] + [False] * len(cells)
    stray = next((c for c, name in zip(cells, named, strict=False) if c.strip() and not name), None)
    if stray is not None:
        hint = f'put a path or label that contains `{separator}` in quotes: "a{separator}b.mp4"'
        raise UsageError(f"{where}: `{printable(stray)}` is below no column", hint=hint)


def _json_records(file: Path, text: str, encoding: str) -> Iterator[_Record]:
    hint = 'one object a line, such as {"path": "cat/1.mp4", "label": "cat"}'
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"`{file}` line {number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise UsageError(
                f"{where} is not JSON: {error}; read as {encoding}", hint=hint
            ) from error
        if not isinstance(record, dict):
            raise UsageError(f"{where} is not an object", hint=hint)
        try:
            record = restored(record)
        except ValueError as error:
            hint = "`path_bytes` is a path's bytes in hexadecimal, as `list --json` prints them"
            raise UsageError(f"{where} has bytes that are no bytes: {error}", hint=hint) from error
        names = [name.strip().casefold() for name in record]
        if KEYS[0] not in names:
            raise UsageError(f"{where} has no `path`", hint=_HINT)
        _refuse_twins(names, where=where)
        yield _Record(number, dict(zip(names, record.values(), strict=True)))


def _refuse_twins(names: Iterable[str], *, where: str) -> None:
    ours = [name for name in names if name in KEYS]
    if len(ours) > len(set(ours)):
        raise UsageError(f"{where}: a column is there twice", hint=_HINT)


def _row(record: _Record, folder: str, *, where: str) -> ManifestRow:
    fields = record.fields
    path = fields["path"]
    if not isinstance(path, str) or not path or "\0" in path:
        raise UsageError(f"{where}: `{path}` is no path")
    labels = _labels(fields["label"], where=where) if "label" in fields else None
    split = _split(fields["split"], where=where) if "split" in fields else None
    shortest = os.path.relpath(path, folder) if os.path.isabs(path) else os.path.normpath(path)
    try:
        return ManifestRow(
            os.fsencode(shortest), labels, split, record.line, _root(fields.get("root"))
        )
    except UnicodeEncodeError:
        raise UsageError(f"{where}: `{printable(path)}` is no path") from None


def _root(value: object) -> str:
    """Return a folder that a list's paths are relative to, nothing if it is none of this system."""
    try:
        is_folder = isinstance(value, str) and os.path.isabs(value) and os.path.isdir(value)
    except ValueError:
        is_folder = False
    return os.path.normpath(str(value)) if is_folder else ""


def joined_labels(names: Sequence[str]) -> str:
    """Write labels as a list's field: separated by ``;``, as JSON where one is told no other way.

    >>> joined_labels(["cat", "indoor"]), joined_labels(["cat; dog"])
    ('cat;indoor', '["cat; dog"]')
    """
    plain = all(name == name.strip() and ";" not in name for name in names)
    if plain and not (names and names[0].startswith("[")):
        return ";".join(names)
    return json.dumps(list(names), ensure_ascii=False)


def _names_in(text: str) -> list[object]:
    """Read back what :func:`joined_labels` wrote."""
    if text.strip().startswith("["):
        try:
            names = json.loads(text)
        except ValueError:
            names = None
        if isinstance(names, list):
            return names
    return [name.strip() for name in text.split(";")]


def _labels(value: object, *, where: str) -> tuple[str, ...]:
    """Split ``cat;indoor``; JSON may also give a list."""
    names = _names_in(value) if isinstance(value, str) else [] if value is None else value
    try:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TypeError
        names = [_as_text(name) for name in names]
    except (TypeError, UnicodeEncodeError):
        hint = "labels are text, several separated by `;`"
        raise UsageError(f"{where}: label {value!r} is no text", hint=hint) from None
    return tuple(dict.fromkeys(name for name in names if name.strip()))


def _as_text(label: str) -> str:
    """Return a label as text in composed form: what is not UTF-8 is Windows-1252.

    Raises:
        UnicodeEncodeError: If it holds half a surrogate pair, which is no text.
    """
    try:
        label.encode()
    except UnicodeEncodeError:
        label = os.fsencode(label).decode("cp1252", "replace")
    return plain_text(label)


def split_word(value: object, *, where: str) -> str:
    """Return the name of a split as people write it, such as ``validation``.

    Args:
        value: A word; nothing, or blanks, for none.
        where: It stands, for messages.

    Raises:
        UsageError: If there is no such split.

    Example:
        >>> split_word("Training", where="line 1"), split_word(None, where="line 2")
        ('train', 'none')
    """
    return _split(value, where=where).name.lower()


def _split(value: object, *, where: str) -> Split:
    name = str(value or "none").strip().lower() or "none"
    try:
        return Split[_OTHER_WORDS.get(name, name).upper()]
    except KeyError:
        raise UsageError(f"{where}: unknown split `{name}`", hint=f"one of {_SPLITS}") from None
