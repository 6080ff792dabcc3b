"""The protocol of a database over the indexes of searches: numpy's scan and faiss's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainpipe.hashing.database.collection import CollectionFacts
from chainpipe.hashing.database.protocol import DatabaseHit, PushCount
from chainpipe.hashing.database.rows import CodeRow
from chainpipe.hashing.retrieval.backends import make_index
from chainpipe.hashing.retrieval.bitpack import U8


class InMemoryCodes:
    """Rows in a dictionary, searched by one of the backends of ``search``."""

    def __init__(self, facts: CollectionFacts, backend: str) -> None:
        self.facts, self.name, self._backend = facts, backend, backend
        self._rows: dict[tuple[str, int], CodeRow] = {}

    def count(self) -> int:
        return len(self._rows)

    def push(self, rows: Sequence[CodeRow]) -> PushCount:
        before = [self._rows.get(row[:2]) for row in rows]
        self._rows |= {row[:2]: row for row in rows}
        new = sum(old is None for old in before)
        same = sum(old == row for old, row in zip(before, rows, strict=True))
        return PushCount(new, len(rows) - new - same, same)

    def search(self, codes: U8, k: int) -> list[list[DatabaseHit]]:
        rows = [self._rows[key] for key in sorted(self._rows)]
        packed = np.array([list(row.code) for row in rows], np.uint8).reshape(-1, codes.shape[1])
        index = make_index(packed, self.facts.bits, queries=len(codes), backend=self._backend)
        found = index.search(codes, k)
        return [
            [
                DatabaseHit(int(distance), *rows[row][:3], rows[row].start, rows[row].end)
                for distance, row in zip(distances, numbers, strict=True)
            ]
            for distances, numbers in zip(found.distances, found.rows, strict=True)
        ]

    def with_id(self, digits: str, most: int) -> dict[str, bytes]:
        found = sorted(key for key in self._rows if key[0].startswith(digits) and not key[1])
        return {key[0]: self._rows[key].code for key in found[:most]}

    def remove(self, ids: Sequence[str]) -> int:
        gone = [key for key in self._rows if key[0] in ids]
        for key in gone:
            del self._rows[key]
        return len(gone)

    def set_index(self, index: str) -> str:
        return ""

    def close(self) -> None:
        self._rows.clear()
