"""Convert users' ids, labels and splits to the columns of a store."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...console import shortened
from ...errors import UsageError
from ...records import Split

U8 = npt.NDArray[np.uint8]
Ids = Sequence[str | bytes] | npt.NDArray[Any]
Labels = Sequence[str | int | Sequence[str] | None] | npt.NDArray[Any]
Splits = Sequence[str | None] | npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """Metadata of N rows beside their features or codes.

    Attributes:
        paths: The ids as bytes, N of them.
        labels: Multi-hot, (N, L), uint8.
        label_names: L names.
        split: ``Split`` numbers, (N,).
    """

    paths: tuple[bytes, ...]
    labels: U8
    label_names: tuple[str, ...]
    split: U8

    @classmethod
    def of(
        cls,
        count: int,
        *,
        ids: Ids | None = None,
        labels: Labels | None = None,
        splits: Splits | None = None,
    ) -> Columns:
        """Read the columns of N rows.

        Args:
            count: N.
            ids: A different name for each row, strings or bytes; by default ``"0"``, ``"1"`` ...
            labels: For each row a name, several names, or ``None`` for no label; or integers (N,),
                negative for no label; or a multi-hot array (N, L).
            splits: For each row ``train``, ``val``, ``test``, ``query``, ``database``, ``none`` or
                ``None``.

        Raises:
            UsageError: If one does not have N entries, an id comes twice, or a value is of another
                kind.

        Example:
            >>> columns = Columns.of(2, labels=["cat", ["dog", "cat"]], splits=["train", None])
            >>> columns.paths, columns.label_names
            ((b'0', b'1'), ('cat', 'dog'))
            >>> columns.labels, columns.split
            (array([[1, 0],
                   [1, 1]], dtype=uint8), array([1, 0], dtype=uint8))
        """
        multi_hot, names = _labels(labels, count)
        return cls(_paths(ids, count), multi_hot, names, _split(splits, count))


def hashes(contents: Sequence[bytes]) -> U8:
    """Return SHA-256 of each content, (N, 32)."""
    digests = b"".join(hashlib.sha256(content).digest() for content in contents)
    return np.frombuffer(digests, np.uint8).reshape(len(contents), 32)


def split_names(split: U8) -> tuple[str, ...]:
    """Return the names of ``Split`` numbers.

    >>> split_names(np.array([1, 0], np.uint8))
    ('train', 'none')
    """
    names = {int(one): one.name.lower() for one in Split}
    return tuple(names[number] for number in split.tolist())


def _check_count(name: str, found: int, count: int) -> None:
    if found != count:
        message = f"`{name}` has {found} entries, but there are {count} videos"
        raise UsageError(message, hint=f"give one of `{name}` for each row of the features")


def _entries(name: str, values: Any, count: int) -> list[Any]:
    entries = values.tolist() if isinstance(values, np.ndarray) else list(values)
    _check_count(name, len(entries), count)
    return entries


def _paths(ids: Ids | None, count: int) -> tuple[bytes, ...]:
    if ids is None:
        return tuple(b"%d" % row for row in range(count))
    entries = _entries("ids", ids, count)
    wrong = [one for one in entries if not isinstance(one, str | bytes | os.PathLike | int)]
    if wrong:
        hint = "ids are strings or bytes"
        raise UsageError(f"`{wrong[0]!r}` is no id", hint=hint)
    paths = tuple(os.fsencode(str(one) if isinstance(one, int) else one) for one in entries)
    if len(set(paths)) < count:
        twice = Counter(paths).most_common(1)[0][0]
        hint = "give each row an id of its own"
        raise UsageError(f"the id `{os.fsdecode(twice)}` comes twice", hint=hint)
    return paths


def _labels(labels: Labels | None, count: int) -> tuple[U8, tuple[str, ...]]:
    if labels is None:
        return np.zeros((count, 0), np.uint8), ()
    if isinstance(labels, np.ndarray) and labels.ndim == 2:
        return _multi_hot(labels, count)
    entries = _entries("labels", labels, count)
    if entries and all(isinstance(one, int) and not isinstance(one, bool) for one in entries):
        return _named([[one] if one >= 0 else [] for one in entries])
    return _named([_names(one) for one in entries])


def _multi_hot(labels: npt.NDArray[Any], count: int) -> tuple[U8, tuple[str, ...]]:
    _check_count("labels", len(labels), count)
    if labels.dtype.kind not in "biuf" or not np.isin(labels, (0, 1)).all():
        hint = "a 2-D array of labels is multi-hot, (videos, classes), of 0 and 1"
        raise UsageError(f"`labels` {labels.shape} has other values than 0 and 1", hint=hint)
    return labels.astype(np.uint8), tuple(str(column) for column in range(labels.shape[1]))


def _names(entry: Any) -> list[str]:
    if entry is None or (isinstance(entry, str) and not entry):
        return []
    names = [entry] if isinstance(entry, str) else list(entry) if _is_list(entry) else [entry]
    for name in names:
        if not isinstance(name, str):
            hint = "a label is a string, a list of strings, `None`, or all labels are integers"
            raise UsageError(f"`{shortened(repr(name), 60)}` is no label", hint=hint)
    return names


def _is_list(entry: Any) -> bool:
    return isinstance(entry, list | tuple | set | frozenset)


def _named(rows: Sequence[Sequence[Any]]) -> tuple[U8, tuple[str, ...]]:
    """Return labels of strings or of integers, multi-hot, and their names in order."""
    names = sorted({name for row in rows for name in row})
    column = {name: place for place, name in enumerate(names)}
    labels = np.zeros((len(rows), len(names)), np.uint8)
    for line, row in zip(labels, rows, strict=True):
        line[[column[name] for name in row]] = 1
    return labels, tuple(str(name) for name in names)


def _split(splits: Splits | None, count: int) -> U8:
    if splits is None:
        return np.zeros(count, np.uint8)
    known = {one.name.lower(): one for one in Split}
    entries = ["none" if one is None else one for one in _entries("splits", splits, count)]
    for one in entries:
        if one not in known:
            raise UsageError(f"no split `{one}`", hint=f"one of {', '.join(known)}")
    return np.array([known[one] for one in entries], np.uint8)
