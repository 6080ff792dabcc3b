"""Files of codes for other programs: CSV, JSON lines, Parquet, SQLite, SQL for pgvector."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from ..rows import CodeTable

Advance = Callable[[int], None]

SUFFIXES = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
    ".sql": "sql",
}
FORMATS = tuple(dict.fromkeys(SUFFIXES.values()))
_WRITERS = {
    "csv": "text:write_csv",
    "jsonl": "text:write_json_lines",
    "parquet": "parquet:write_parquet",
    "sqlite": "sqlite:write_sqlite",
    "sql": "pgvector:write_sql",
}


def format_of(path: Path, given: str | None = None) -> str:
    """Return the format of a file: the one that was named, else the one of its suffix.

    Raises:
        UsageError: If there is no such format, or the suffix tells none.

    Example:
        >>> format_of(Path("codes.NDJSON")), format_of(Path("codes"), "csv")
        ('jsonl', 'csv')
    """
    if given is not None and given not in FORMATS:
        raise UsageError(f"no format `{given}`", hint=f"one of: {', '.join(FORMATS)}")
    found = given or SUFFIXES.get(path.suffix.lower())
    if found is None:
        hint = f"end it in one of {', '.join(SUFFIXES)}, or name the format with `--format`"
        raise UsageError(f"the name `{path}` tells no format", hint=hint)
    return found


def write_file(
    path: Path, table: CodeTable, name: str, *, advance: Advance = lambda rows: None
) -> int:
    """Write all rows to a file, batch by batch; it appears whole or not at all.

    Args:
        path: The file; one that is there is replaced.
        table: The rows.
        name: Of the format, one of :data:`FORMATS`.
        advance: Told how many rows were written since its last call.

    Returns:
        How many rows were written; SQL has one for each content.

    Raises:
        StorageError: If the file cannot be written.
        UsageError: If the format needs a package that is not installed.
    """
    module, _, function = _WRITERS[name].partition(":")
    writer = getattr(importlib.import_module(f".{module}", __name__), function)
    with storage_errors(path), atomic_replace(path) as temporary:
        return int(writer(temporary, table, advance))
