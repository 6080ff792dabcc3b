"""A collection of codes in Milvus: push, search, remove."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chainpipe.pipeline.errors import UsageError

from ...retrieval.bitpack import U8
from ..address import DatabaseAddress
from ..collection import EXACT, IVF, CollectionFacts
from ..protocol import DatabaseHit, PushCount
from ..rows import CodeRow
from .errors import PATIENCE, milvus_errors, pymilvus_module
from .schema import FIELDS, ID, code_of, entity_of
from .ties import PAGE, nearest_hits

EXACT_INDEX, CELLS_INDEX = "BIN_FLAT", "BIN_IVF_FLAT"
AT_ONCE = 1000  # rows of a request
PROBED = 0.1  # part of the cells that a search looks into
MOST_CELLS = 65_536


class MilvusCodes:
    """A collection of codes; see ``CodeDatabase``.

    Args:
        client: A ``pymilvus.MilvusClient``.
        address: Of the collection.
        facts: What it holds.
    """

    def __init__(self, client: Any, address: DatabaseAddress, facts: CollectionFacts) -> None:
        self.name = address.shown
        self._client = client
        self._collection = address.collection
        self.facts = self._with_index(facts)

    def count(self) -> int:
        """Return the number of rows."""
        with milvus_errors(self.name):
            found = self._client.query(
                self._collection, filter="", output_fields=["count(*)"], timeout=PATIENCE
            )
        return int(found[0]["count(*)"])

    def push(self, rows: Sequence[CodeRow]) -> PushCount:
        """See ``CodeDatabase.push``; Milvus takes 1000 rows at once, each request whole or not.

        Raises:
            StorageError: If the server does not take them.
        """
        counts = [
            self._push(rows[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE)
        ]
        return PushCount(*(sum(column) for column in zip(PushCount(0, 0, 0), *counts, strict=True)))

    def search(self, codes: U8, k: int) -> list[list[DatabaseHit]]:
        """See ``CodeDatabase.search``; ties at the end are asked for until none is missing.

        Raises:
            UsageError: If ``k`` is more than Milvus answers.
            StorageError: If the server does not answer.
        """
        if k > PAGE:
            raise UsageError(f"Milvus answers at most {PAGE}, not {k}", hint="ask for fewer")
        with milvus_errors(self.name):
            asked = [code.tobytes() for code in codes]
            return nearest_hits(self._client, self._collection, asked, k, probes=self.facts.effort)

    def with_id(self, digits: str, most: int) -> dict[str, bytes]:
        """See ``CodeDatabase.with_id``."""
        with milvus_errors(self.name):
            found = self._client.query(
                self._collection,
                filter=f'key like "{digits}%"',
                output_fields=["key", "code"],
                timeout=PATIENCE,
            )
        whole = sorted((one["key"], code_of(one)) for one in found if len(one["key"]) == ID)
        return dict(whole[:most])

    def remove(self, ids: Sequence[str]) -> int:
        """See ``CodeDatabase.remove``."""
        removed = 0
        with milvus_errors(self.name):
            for name in ids:
                before: list[str] = []
                while (keys := self._keys_of(name)) and keys != before:
                    self._client.delete(self._collection, ids=keys, timeout=PATIENCE)
                    before, removed = keys, removed + len(keys)
        return removed

    def set_index(self, index: str) -> str:
        """See ``CodeDatabase.set_index``; BIN_FLAT is exact, BIN_IVF_FLAT has cells.

        Raises:
            UsageError: If it is cells in Milvus Lite.
            StorageError: If the server refuses.
        """
        before, rows = self.facts.index, self.count()
        with milvus_errors(self.name):
            self._replace_index(before, index, rows)
        self.facts = self._with_index(self.facts)
        return "" if index == EXACT else f"index {index}, {self.facts.effort} cells looked at"

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _push(self, rows: Sequence[CodeRow]) -> PushCount:
        entities = [entity_of(row) for row in rows]
        with milvus_errors(self.name):
            found = self._client.get(
                self._collection,
                ids=[one["key"] for one in entities],
                output_fields=list(FIELDS),
                timeout=PATIENCE,
            )
            there = {one["key"]: {**one, "code": code_of(one)} for one in found}
            other = [one for one in entities if _plain(there.get(one["key"])) != _plain(one)]
            if other:
                self._client.upsert(self._collection, other, timeout=PATIENCE)
        changed = sum(one["key"] in there for one in other)
        return PushCount(len(other) - changed, changed, len(rows) - len(other))

    def _keys_of(self, name: str) -> list[str]:
        found = self._client.query(
            self._collection,
            filter=f'key like "{name}%"',
            output_fields=["key"],
            limit=PAGE,
            timeout=PATIENCE,
        )
        return [one["key"] for one in found]

    def _replace_index(self, before: str, index: str, rows: int) -> None:
        self._client.release_collection(self._collection)
        self._client.drop_index(self._collection, "code")
        try:
            add_index(self._client, self._collection, index, rows)
        except pymilvus_module().MilvusException:
            add_index(self._client, self._collection, before, rows)
            self._client.load_collection(self._collection)
            raise
        self._client.load_collection(self._collection)

    def _with_index(self, facts: CollectionFacts) -> CollectionFacts:
        """Return the facts with the index that the server says it has."""
        with milvus_errors(self.name):
            found = self._client.describe_index(self._collection, "code") or {}
        if found.get("index_type") != CELLS_INDEX:
            return replace(facts, index=EXACT, effort=0)
        return replace(facts, index=IVF, effort=max(1, round(PROBED * int(found["nlist"]))))


def add_index(client: Any, collection: str, index: str, rows: int) -> None:
    """Make the index of the codes.

    Args:
        client: A ``pymilvus.MilvusClient``.
        collection: Its name.
        index: ``exact`` or ``ivf``.
        rows: How many rows there are.
    """
    cells = max(1, min(MOST_CELLS, round(math.sqrt(rows))))
    kind = {"index_type": EXACT_INDEX} if index == EXACT else {"index_type": CELLS_INDEX}
    params = pymilvus_module().MilvusClient.prepare_index_params()
    sizes = {} if index == EXACT else {"params": {"nlist": cells}}
    params.add_index("code", metric_type="HAMMING", **kind, **sizes)
    client.create_index(collection, params)


def _plain(entity: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the fields that are compared."""
    return None if entity is None else {name: entity[name] for name in FIELDS}
