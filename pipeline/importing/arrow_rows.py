"""Features in columns of lists, as Arrow has them: to numpy, row by row, without a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..console import printable
from ..errors import UsageError
from .source import OPTIONS, ColumnNames, SourceRow, choose_column, no_column

_DEEPEST = 3  # lists in lists: one more than frames of features
_NULLS = "nan"


class ArrowColumns:
    """Which columns of a schema are read.

    Args:
        path: The file, for messages.
        schema: Its columns.
        names: Those that were named.

    Attributes:
        features: Name of the column of features.
        beside: Names of the columns of ids, labels and splits.
        unread: Names of all others.

    Raises:
        UsageError: If one is not there, or the features are of a type that cannot be features.
    """

    def __init__(self, path: Path, schema: pa.Schema, names: ColumnNames) -> None:
        fits = [field.name for field in schema if may_be_features(field.type)]
        self.features = choose_column(path, names.features, fits, schema.names)
        self.beside = names.chosen()
        for part, name in self.beside.items():
            if name not in schema.names:
                raise no_column(path, name, schema.names, OPTIONS[part])
        if twice := [name for name in self.read if schema.names.count(name) > 1]:
            hint = "rename one of them"
            raise UsageError(f"`{path}` has two columns `{printable(twice[0])}`", hint=hint)
        kind = schema.field(self.features).type
        if not is_numbers(kind):
            message = f"`{self.features}` of `{path}` is of type {kind}"
            raise UsageError(message, hint="features are lists of numbers, or lists of such lists")
        used = {self.features, *self.beside.values()}
        self.unread = [name for name in schema.names if name not in used]

    @property
    def read(self) -> list[str]:
        """Names of the columns that are read, each once."""
        return list(dict.fromkeys([self.features, *self.beside.values()]))

    def rows(self, batch: pa.RecordBatch, first: int) -> Iterator[SourceRow]:
        """Yield the videos of a batch.

        Args:
            batch: Of the columns :attr:`read`.
            first: Number of its first row.

        Raises:
            ValueError: If the batch is not sound.
        """
        batch.validate(full=True)
        beside = {part: batch.column(name).to_pylist() for part, name in self.beside.items()}
        for place, features in enumerate(feature_rows(batch.column(self.features))):
            values: dict[str, Any] = {part: column[place] for part, column in beside.items()}
            yield SourceRow(f"row {first + place}", features, **values)


def may_be_features(kind: pa.DataType) -> bool:
    """Return whether a type looks like features: lists of floats.

    >>> may_be_features(pa.list_(pa.float32())), may_be_features(pa.list_(pa.int64()))
    (True, False)
    """
    return is_numbers(kind) and pa.types.is_floating(_innermost(kind)[0])


def is_numbers(kind: pa.DataType) -> bool:
    """Return whether a type is lists of numbers, at any depth."""
    inner, depth = _innermost(kind)
    return depth > 0 and (pa.types.is_floating(inner) or pa.types.is_integer(inner))


def feature_rows(column: pa.Array) -> Iterator[npt.NDArray[Any] | None]:
    """Yield the array of each row: its lists' lengths are its shape; ``None`` for a null.

    Args:
        column: Lists of numbers, lists of such lists, or tensors of one shape.

    Raises:
        UsageError: If inner lists of one row differ in length.
    """
    shape: Sequence[int] = ()
    if isinstance(column, pa.ExtensionArray):
        shape = getattr(column.type, "shape", ())
        column = column.storage
    for row in range(len(column)):
        scalar = column[row]
        if not scalar.is_valid:
            yield None
            continue
        found = _array(scalar.values, row)
        flat_tensor = shape and found.ndim == 1
        yield found.reshape(tuple(shape)) if flat_tensor else found


def _array(values: pa.Array, row: int) -> npt.NDArray[Any]:
    """Return nested lists of one row as one array."""
    sizes = [len(values)]
    while _is_list(values.type):
        if isinstance(values, pa.FixedSizeListArray):
            sizes.append(values.type.list_size)
        else:
            lengths = set(values.value_lengths().to_pylist())
            if len(lengths) > 1:
                listed = " and ".join(str(one) for one in sorted(lengths, key=str)[:2])
                hint = "each frame of a video has the same number of features"
                raise UsageError(f"the frames of row {row} have {listed} features", hint=hint)
            sizes.append(lengths.pop() or 0 if lengths else 0)
        values = values.flatten()
    if values.null_count:
        if not pa.types.is_floating(values.type):
            values = values.cast(pa.float64())
        values = values.fill_null(pa.scalar(float(_NULLS), values.type))  # refused as NaN is
    found = values.to_numpy(zero_copy_only=False)
    if found.size != int(np.prod(sizes)):
        raise UsageError(f"row {row} has null among its frames", hint="leave such rows out")
    array: npt.NDArray[Any] = found.reshape(sizes)
    return array


def _innermost(kind: pa.DataType) -> tuple[pa.DataType, int]:
    """Return the type inside all lists, and how many there are."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    depth = 0
    while _is_list(kind) and depth <= _DEEPEST:
        kind, depth = kind.value_type, depth + 1
    return kind, depth


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    lists = types.is_list, types.is_large_list, types.is_fixed_size_list
    return any(is_one(kind) for is_one in lists)
