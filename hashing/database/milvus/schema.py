"""The collection of codes in Milvus: fields, and rows as its client takes them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..collection import CollectionFacts
from ..protocol import DatabaseHit
from ..rows import CodeRow

ID = 64  # characters
DIGITS = 8  # of a window's number, so that keys sort as (id, number)
LONGEST = {"key": ID + 1 + DIGITS, "path": 65_535, "split": 16}
UNKNOWN = -1.0  # seconds; Milvus Lite has no nulls
FIELDS = ("key", "path", "code", "duration", "labels", "split", "start_seconds", "end_seconds")
SHOWN = ["path", "start_seconds", "end_seconds"]


def schema_of(pymilvus: ModuleType, facts: CollectionFacts) -> Any:
    """Return the schema; a code is padded with zeros to whole bytes, which adds no distance.

    Args:
        pymilvus: The client library.
        facts: What the collection is to hold; its description.
    """
    kind = pymilvus.DataType
    schema = pymilvus.MilvusClient.create_schema(
        auto_id=False, enable_dynamic_field=False, description=facts.to_json()
    )
    schema.add_field("key", kind.VARCHAR, is_primary=True, max_length=LONGEST["key"])
    schema.add_field("path", kind.VARCHAR, max_length=LONGEST["path"])
    schema.add_field("code", kind.BINARY_VECTOR, dim=dimensions(facts.bits))
    schema.add_field("duration", kind.DOUBLE)
    schema.add_field("labels", kind.JSON)
    schema.add_field("split", kind.VARCHAR, max_length=LONGEST["split"])
    schema.add_field("start_seconds", kind.DOUBLE)
    schema.add_field("end_seconds", kind.DOUBLE)
    return schema


def dimensions(bits: int) -> int:
    """Return the bits of a vector: whole bytes.

    >>> dimensions(20)
    24
    """
    return -(-bits // 8) * 8


def key_of(row: CodeRow) -> str:
    """Return the primary key of a row: the id, and in windows the number of the window."""
    return row.id if row.start is None else f"{row.id}:{row.number:0{DIGITS}d}"


def entity_of(row: CodeRow) -> dict[str, Any]:
    """Return a row as pymilvus takes it."""
    return {
        "key": key_of(row),
        "path": row.path,
        "code": row.code,
        "duration": _seconds(row.duration),
        "labels": list(row.labels),
        "split": row.split,
        "start_seconds": _seconds(row.start),
        "end_seconds": _seconds(row.end),
    }


def code_of(entity: Any) -> bytes:
    """Return the code of an entity as Milvus gives it back: bytes, or a list of them."""
    code = entity["code"]
    return bytes(code[0]) if isinstance(code, list) else bytes(code)


def hit_of(key: str, distance: float, entity: Any) -> DatabaseHit:
    """Return an answer."""
    name, _, number = key.partition(":")
    start, end = (
        None if entity[one] == UNKNOWN else float(entity[one])
        for one in ("start_seconds", "end_seconds")
    )
    return DatabaseHit(round(distance), name, int(number or 0), entity["path"], start, end)


def _seconds(value: float | None) -> float:
    return UNKNOWN if value is None else value
