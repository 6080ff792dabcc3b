"""CSV and JSON lines; a code is written as hexadecimal digits of its bytes, byte 0 first."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from chainpipe.pipeline.console import json_text

from ..collection import SCHEMA
from ..rows import CodeTable

COLUMNS = ("path", "id", "code", "bits", "duration", "labels", "split")
SPAN = ("start_seconds", "end_seconds")
BETWEEN_LABELS = ";"  # as in a list of videos


def write_csv(path: Path, table: CodeTable, advance: Callable[[int], None]) -> int:
    """Write rows as CSV in UTF-8 with a header; what is unknown is empty.

    Args:
        path: The file.
        table: The rows.
        advance: Told how many rows were written since its last call.

    Returns:
        How many rows were written.
    """
    bits = table.codes.bits
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*COLUMNS, *(SPAN if table.of_windows else ())])
        for rows in table.batches():
            for row in rows:
                labels = BETWEEN_LABELS.join(row.labels)
                line = [row.path, row.id, row.code.hex(), bits, row.duration, labels, row.split]
                writer.writerow([*line, *((row.start, row.end) if table.of_windows else ())])
            advance(len(rows))
    return len(table)


def write_json_lines(path: Path, table: CodeTable, advance: Callable[[int], None]) -> int:
    """Write rows as one JSON object a line; what is unknown is null.

    Args:
        path: The file.
        table: The rows.
        advance: Told how many rows were written since its last call.

    Returns:
        How many rows were written.
    """
    bits = table.codes.bits
    with path.open("w", encoding="utf-8", newline="") as file:
        for rows in table.batches():
            for row in rows:
                values = (row.path, row.id, row.code.hex(), bits, row.duration, row.labels)
                line = {"schema": SCHEMA, **dict(zip(COLUMNS, (*values, row.split), strict=True))}
                if table.of_windows:
                    line |= dict(zip(SPAN, (row.start, row.end), strict=True))
                file.write(json_text(line) + "\n")
            advance(len(rows))
    return len(table)
