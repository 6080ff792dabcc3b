"""Features in a list column of a Parquet file, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from ..store.foreign.reading import reading_errors
from .arrow_rows import ArrowColumns
from .source import ColumnNames, SourceRow, check_size

_WHAT = "a Parquet file"
_AT_ONCE = 1 << 22  # bytes that are unpacked at once
_MOST_ROWS = 1024
_BYTES = {"INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8}  # of a value, by Parquet's name


class ParquetSource:
    """One Parquet file; see ``FeatureSource``.

    Args:
        path: The file.
        names: Its columns.

    Raises:
        UsageError: If a column is not there or cannot be features, or a row is too large.
        DamageError: If it is damaged.
    """

    def __init__(self, path: Path, names: ColumnNames) -> None:
        self.path = path
        with reading_errors(path, _WHAT), pq.ParquetFile(path) as file:
            facts = file.metadata
            self._columns = ArrowColumns(path, file.schema_arrow, names)
            self.count = int(facts.num_rows)
            groups = [_row_size(facts.row_group(i)) for i in range(facts.num_row_groups)]
        self.column, self.unread = self._columns.features, self._columns.unread
        size = max(groups, default=1)
        check_size(f"a row of `{path}`", size)
        self._rows = max(1, min(_AT_ONCE // size, _MOST_ROWS))

    def rows(self) -> Iterator[SourceRow]:
        """Yield all videos; see ``FeatureSource``."""
        first = 0
        with reading_errors(self.path, _WHAT), pq.ParquetFile(self.path, pre_buffer=False) as file:
            batches = file.iter_batches(self._rows, columns=self._columns.read, use_threads=False)
            for batch in batches:
                yield from self._columns.rows(batch, first)
                first += len(batch)


def _row_size(group: pq.RowGroupMetaData) -> int:
    """Return the mean bytes of a row once it is unpacked.

    What the file says of its bytes is not enough: values that repeat take none.
    """
    columns = [group.column(number) for number in range(group.num_columns)]
    unpacked = sum(one.num_values * _BYTES.get(one.physical_type, 1) for one in columns)
    return int(max(1, unpacked, group.total_byte_size) // max(1, group.num_rows)) or 1
