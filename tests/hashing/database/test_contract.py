"""One contract: numpy, faiss, PostgreSQL and Milvus give the same answers, ties included."""

from __future__ import annotations

import numpy as np
import pytest

from chainpipe.hashing.database.protocol import PushCount
from chainpipe.hashing.retrieval.codes import pack
from tests.hashing.database.conftest import MakeDatabase
from tests.hashing.database.samples import (
    expected,
    facts_of,
    rows_of,
    table_of,
    tied_codes,
    with_windows,
)
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes


@pytest.mark.parametrize("bits", [1, 20, 64, 256])
def test_answers_are_those_of_a_count_of_bits(make: MakeDatabase, bits: int) -> None:
    table = table_of(tied_codes(bits=bits) if bits > 3 else sample_codes(random_bits(60, bits)))
    rows = rows_of(table)
    database = make(facts_of(table))
    assert database.push(rows) == PushCount(60, 0, 0)
    queries = np.concatenate([table.codes.packed[:3], pack(random_bits(2, bits, 5))])
    for k in (1, 7, 60, 90):
        found = database.search(queries, k)
        assert found == [expected(rows, query, k) for query in queries]


def test_windows_are_rows_of_their_own(make: MakeDatabase) -> None:
    table = table_of(with_windows(tied_codes(12)), of_windows=True)
    rows = rows_of(table)
    database = make(facts_of(table))
    assert database.push(rows) == PushCount(36, 0, 0)
    queries = table.codes.packed[:4]
    assert database.search(queries, 20) == [expected(rows, query, 20) for query in queries]
    assert database.remove([rows[3].id]) == 3
    assert database.search(queries, 50) == [
        expected([row for row in rows if row.id != rows[3].id], query, 50) for query in queries
    ]


def test_pushing_twice_leaves_one_row_each(make: MakeDatabase) -> None:
    table = table_of(tied_codes())
    rows = rows_of(table)
    database = make(facts_of(table))
    assert database.push(rows[:25]) == PushCount(25, 0, 0)
    assert database.push(rows) == PushCount(35, 0, 25)
    other = [row._replace(path="moved.mp4", labels=("x", 'a "b" \\')) for row in rows[:4]]
    other[3] = other[3]._replace(code=rows[9].code, duration=9.5)
    assert database.push(other + rows[4:]) == PushCount(0, 4, 56)
    assert database.push(other) == PushCount(0, 0, 4)
    assert database.count() == 60
    query = np.frombuffer(rows[9].code, np.uint8)
    assert database.search(query[None], 60) == [expected(other + rows[4:], query, 60)]


def test_removed_rows_are_no_answers(make: MakeDatabase) -> None:
    table = table_of(tied_codes())
    rows = rows_of(table)
    database = make(facts_of(table))
    database.push(rows)
    gone = [row.id for row in rows[::2]]
    assert database.remove([*gone, "0" * 64]) == 30
    assert (database.remove(gone), database.count()) == (0, 30)
    query = table.codes.packed[5]
    assert database.search(query[None], 60) == [expected(rows[1::2], query, 60)]


def test_an_empty_collection_has_no_answers(make: MakeDatabase) -> None:
    table = table_of(tied_codes())
    database = make(facts_of(table))
    assert database.count() == 0
    assert database.search(table.codes.packed[:2], 3) == [[], []]


def test_ids_are_found_by_their_first_digits(make: MakeDatabase) -> None:
    table = table_of(tied_codes())
    rows = rows_of(table)
    database = make(facts_of(table))
    database.push(rows)
    assert database.with_id(rows[4].id[:12], 2) == {rows[4].id: rows[4].code}
    digit = rows[4].id[0]
    same = {row.id: row.code for row in rows if row.id.startswith(digit)}
    assert len(same) > 1
    assert list(database.with_id(digit, 99).items()) == sorted(same.items())
    assert database.with_id("f" * 60, 2) == {}
