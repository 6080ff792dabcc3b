"""Parquet: a code as bytes of fixed size, and as numbers of 64 bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import missing_package

from ..code_text import WORD, words_of
from ..collection import CollectionFacts
from ..rows import CodeRow, CodeTable

AT_ONCE = 50_000  # rows of a row group


def write_parquet(path: Path, table: CodeTable, advance: Callable[[int], None]) -> int:
    """Write rows as Parquet; ``word_0`` holds bits 0 to 63, bit 0 being the number's lowest.

    Args:
        path: The file.
        table: The rows.
        advance: Told how many rows were written since its last call.

    Returns:
        How many rows were written.

    Raises:
        UsageError: If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise missing_package("Parquet", "pyarrow", extra="parquet") from error
    schema = _schema(pa, table)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for rows in table.batches(AT_ONCE):
            columns = _columns(rows, table.codes.bits, of_windows=table.of_windows)
            writer.write_table(pa.table(columns, schema=schema))
            advance(len(rows))
    return len(table)


def _schema(pa: Any, table: CodeTable) -> Any:
    bits = table.codes.bits
    fields = {
        "path": pa.string(),
        "id": pa.string(),
        "code": pa.binary((bits + 7) // 8),
        **{name: pa.uint64() for name in _words(bits)},
        "duration": pa.float64(),
        "labels": pa.list_(pa.string()),
        "split": pa.string(),
    }
    if table.of_windows:
        fields |= {"start_seconds": pa.float64(), "end_seconds": pa.float64()}
    about = CollectionFacts.of(table).to_json()
    return pa.schema(list(fields.items()), metadata={"chainpipe": about})


def _columns(rows: list[CodeRow], bits: int, *, of_windows: bool) -> dict[str, Any]:
    codes = [row.code for row in rows]
    words = words_of(codes, bits)
    columns: dict[str, Any] = {
        "path": [row.path for row in rows],
        "id": [row.id for row in rows],
        "code": codes,
        **{name: words[:, number] for number, name in enumerate(_words(bits))},
        "duration": [row.duration for row in rows],
        "labels": [list(row.labels) for row in rows],
        "split": [row.split for row in rows],
    }
    if of_windows:
        columns["start_seconds"] = [row.start for row in rows]
        columns["end_seconds"] = [row.end for row in rows]
    return columns


def _words(bits: int) -> list[str]:
    return [f"word_{number}" for number in range(-(-bits // WORD))]
