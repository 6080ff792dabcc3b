"""SQL for ``psql``: a table of pgvector's ``bit(K)`` codes, as ``index push`` makes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..address import COLLECTION
from ..code_text import bit_texts
from ..collection import CollectionFacts
from ..postgresql.table import COLUMNS, create_table
from ..rows import CodeRow, CodeTable

_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NULL = "\\N"


def write_sql(path: Path, table: CodeTable, advance: Callable[[int], None]) -> int:
    """Write rows as SQL text with ``COPY``, one transaction; one row for each content.

    Args:
        path: The file.
        table: The rows.
        advance: Told how many rows were written since its last call.

    Returns:
        How many rows were written.
    """
    unique = table.one_each()
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("SET client_encoding = 'UTF8';\nBEGIN;\n")
        file.write(
            "".join(f"{one};\n" for one in create_table(COLLECTION, CollectionFacts.of(table)))
        )
        file.write(f"COPY {COLLECTION} ({', '.join(COLUMNS)}) FROM stdin;\n")
        for rows in unique.batches():
            texts = bit_texts([row.code for row in rows], table.codes.bits)
            file.writelines(_line(row, text) for row, text in zip(rows, texts, strict=True))
            advance(len(rows))
        file.write("\\.\nCOMMIT;\n")
        advance(len(table) - len(unique))
    return len(unique)


def _line(row: CodeRow, code: str) -> str:
    """Return a row in the text format of ``COPY``."""
    duration, start, end = (_number(value) for value in (row.duration, row.start, row.end))
    cells = [row.id, str(row.number), _text(row.path), code, duration]
    cells += [_text(_array(row.labels)), row.split, start, end]
    return "\t".join(cells) + "\n"


def _array(labels: tuple[str, ...]) -> str:
    r"""Return labels as PostgreSQL writes an array.

    >>> print(_array(("cat", 'a "b"')))
    {"cat","a \"b\""}
    """
    quoted = (label.replace("\\", "\\\\").replace('"', '\\"') for label in labels)
    return "{" + ",".join(f'"{label}"' for label in quoted) + "}"


def _text(value: str) -> str:
    return value.translate(_ESCAPED)


def _number(value: float | None) -> str:
    return NULL if value is None else repr(value)
