"""Lists of videos in files: CSV and JSON lines with the keys path, label and split."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..records import Split

KEYS = ("path", "label", "split")
_SPLITS = ", ".join(split.name.lower() for split in Split)


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One line of a list.

    Attributes:
        path: Bytes, relative to the list's folder, in the shortest form.
        labels: Names, or ``None`` if the list has no labels.
        split: The part of the data set, or ``None`` if the list has no splits.
    """

    path: bytes
    labels: tuple[str, ...] | None
    split: Split | None


def read_manifest_file(file: Path) -> list[ManifestRow]:
    """Read a ``.csv`` or ``.jsonl`` list of videos.

    Bytes that are not UTF-8 survive in paths, as ``os.fsdecode`` would have them.

    Raises:
        UsageError: If it cannot be read, or a line is wrong; the message names the line.
    """
    videos: list[ManifestRow] = []
    seen: dict[bytes, int] = {}
    try:
        for line, fields in _records(file):
            video = _video(fields, os.path.abspath(file.parent), where=f"`{file}` line {line}")
            if video.path in seen:
                raise UsageError(
                    f"`{file}` line {line}: `{os.fsdecode(video.path)}` is there twice",
                    hint=f"it is also on line {seen[video.path]}; keep one of them",
                )
            seen[video.path] = line
            videos.append(video)
    except OSError as error:
        raise UsageError(f"cannot read `{file}`: {error.strerror}") from error
    return videos


def _records(file: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield each record with the number of its last line."""
    with open(file, encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        if file.suffix.lower() == ".csv":
            rows = csv.DictReader(stream, strict=True, restkey="more than the header has")
            try:
                _check_keys(rows.fieldnames or (), where=f"`{file}` line 1")
                for row in rows:
                    _check_keys(row, where=f"`{file}` line {rows.line_num}")
                    yield rows.line_num, row
            except csv.Error as error:
                raise UsageError(f"`{file}` line {rows.reader.line_num}: {error}") from error
        else:
            for number, line in enumerate(stream.read().split("\n"), start=1):
                if line.strip():
                    yield number, _json_record(line, where=f"`{file}` line {number}")


def _json_record(line: str, *, where: str) -> Mapping[str, object]:
    hint = 'one object a line, such as {"path": "cat/1.mp4", "label": "cat"}'
    try:
        record = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {error}", hint=hint) from error
    if not isinstance(record, dict):
        raise UsageError(f"{where} is not an object", hint=hint)
    _check_keys(record, where=where)
    return record


def _check_keys(keys: Iterable[str], *, where: str) -> None:
    names = list(keys)
    unknown = sorted(set(names) - set(KEYS))
    hint = f"the keys are {', '.join(KEYS)}"
    if "path" not in names:
        raise UsageError(f"{where} has no `path`", hint=hint)
    if unknown:
        raise UsageError(f"{where}: unknown key `{unknown[0]}`", hint=hint)
    if len(names) > len(set(names)):
        raise UsageError(f"{where}: a key is there twice", hint=hint)


def _video(fields: Mapping[str, object], folder: str, *, where: str) -> ManifestRow:
    path = fields["path"]
    if not isinstance(path, str) or not path or "\0" in path:
        raise UsageError(f"{where}: `{path}` is no path")
    labels = _labels(fields["label"], where=where) if "label" in fields else None
    split = _split(fields["split"], where=where) if "split" in fields else None
    shortest = os.path.relpath(path, folder) if os.path.isabs(path) else os.path.normpath(path)
    return ManifestRow(os.fsencode(shortest), labels, split)


def _labels(value: object, *, where: str) -> tuple[str, ...]:
    """Split ``cat;indoor``; JSON may also give a list."""
    names = value.split(";") if isinstance(value, str) else [] if value is None else value
    try:
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TypeError
        for name in names:
            name.encode()
    except (TypeError, UnicodeEncodeError):
        hint = "labels are UTF-8 text, several separated by `;`"
        raise UsageError(f"{where}: label {value!r} is no text", hint=hint) from None
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def _split(value: object, *, where: str) -> Split:
    name = str(value or "none").strip()
    try:
        return Split[name.upper()]
    except KeyError:
        raise UsageError(f"{where}: unknown split `{name}`", hint=f"one of {_SPLITS}") from None
