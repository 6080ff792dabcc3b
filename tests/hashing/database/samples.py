"""Codes for databases: many ties, names that are hard to write, and answers counted one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainpipe.hashing.database.collection import CollectionFacts
from chainpipe.hashing.database.protocol import DatabaseHit
from chainpipe.hashing.database.rows import CodeRow, CodeTable
from chainpipe.hashing.retrieval.bitpack import U8
from chainpipe.hashing.retrieval.codes import Codes, pack
from chainpipe.hashing.retrieval.window_codes import WindowCodes
from chainpipe.pipeline.records import Split
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes


def tied_codes(count: int = 60, bits: int = 20, *, seed: int = 0) -> Codes:
    """Return codes that differ in their first three bits only, so that most tie."""
    drawn = random_bits(count, bits, seed)
    drawn[:, 3:] = drawn[:1, 3:]
    labels = [[row % 3] if row % 4 else [0, 2] for row in range(count)]
    splits = [Split(row % 3) for row in range(count)]
    return sample_codes(drawn, labels=labels, split=splits)


def with_windows(codes: Codes, per_video: int = 3) -> Codes:
    """Return codes of which each video has some windows."""
    rows = np.repeat(np.arange(len(codes)), per_video)
    starts = np.tile(np.arange(per_video) / 2, len(codes))
    packed = pack(random_bits(len(rows), codes.bits, 7))
    return replace(codes, windows=WindowCodes(packed, rows, starts, starts + 2))


def table_of(codes: Codes, *, of_windows: bool = False) -> CodeTable:
    """Return rows with known and unknown durations."""
    durations = np.arange(len(codes)) / 4
    durations[::3] = np.nan
    return CodeTable(codes, durations, of_windows)


def rows_of(table: CodeTable) -> list[CodeRow]:
    return [row for rows in table.one_each().batches(7) for row in rows]


def facts_of(table: CodeTable) -> CollectionFacts:
    return CollectionFacts.of(table)


def expected(rows: Sequence[CodeRow], query: U8, k: int) -> list[DatabaseHit]:
    """Return the nearest rows, by counting bits of Python's numbers."""
    asked = int.from_bytes(query.tobytes(), "little")
    hits = [
        DatabaseHit(
            (int.from_bytes(row.code, "little") ^ asked).bit_count(),
            *(row.id, row.number, row.path, row.start, row.end),
        )
        for row in rows
    ]
    return sorted(hits, key=lambda hit: hit[:3])[:k]
