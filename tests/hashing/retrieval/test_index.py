"""The nearest codes: every exact index and a plain sort agree to the last tie; cells nearly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.retrieval import backends as backends_module
from chainpipe.hashing.retrieval import index as index_module
from chainpipe.hashing.retrieval.backends import BACKENDS, make_index
from chainpipe.hashing.retrieval.codes import pack
from chainpipe.hashing.retrieval.hamming import distances, to_words
from chainpipe.hashing.retrieval.index import FEW, FaissFlat, HammingIndex, NumpyFlat, keeps_order
from chainpipe.hashing.retrieval.ivf import LEAST, FaissIvf
from chainpipe.pipeline.errors import UsageError
from tests.hashing.retrieval.answer_samples import random_bits

BOTH = [NumpyFlat, FaissFlat]
Flat = type[NumpyFlat] | type[FaissFlat]


def by_sorting(queries: np.ndarray, database: np.ndarray, k: int) -> list[list[tuple[int, int]]]:
    """Return (distance, row) of the k nearest, by Python's own sort of tuples."""
    return [
        sorted((int((query ^ code).sum()), row) for row, code in enumerate(database))[:k]
        for query in queries
    ]


def pairs(index: HammingIndex, queries: np.ndarray, k: int) -> list[list[tuple[int, int]]]:
    found = index.search(pack(queries), k)
    return [
        list(zip(d.tolist(), r.tolist(), strict=True))
        for d, r in zip(found.distances, found.rows, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(0, 60),
    asked=st.integers(0, 5),
    bits=st.sampled_from([1, 2, 3, 7, 8, 9, 16, 33, 64, 70, 200, 256]),
    k=st.integers(1, 70),
    kinds=st.integers(1, 60),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_index_equals_a_plain_sort(
    n: int, asked: int, bits: int, k: int, kinds: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    codes = random_bits(kinds, bits, seed)  # few kinds, so many ties
    database, queries = codes[rng.integers(0, kinds, n)], codes[rng.integers(0, kinds, asked)]
    expected = by_sorting(queries, database, k)
    for flat in BOTH:
        assert pairs(flat(pack(database), bits), queries, k) == expected, flat.__name__


@pytest.mark.parametrize("flat", BOTH)
@pytest.mark.parametrize("bits", [16, 31])
def test_ties_at_the_cut_go_to_the_lowest_rows(flat: Flat, bits: int) -> None:
    database, queries = random_bits(3000, bits), random_bits(40, bits, seed=1)
    assert pairs(flat(pack(database), bits), queries, 25) == by_sorting(queries, database, 25)


@pytest.mark.parametrize("flat", BOTH)
def test_when_all_codes_are_equal_rows_come_in_order(flat: Flat) -> None:
    found = flat(np.zeros((5000, 4), np.uint8), 32).search(np.ones((3, 4), np.uint8), 100)
    assert np.array_equal(found.rows, np.tile(np.arange(100), (3, 1)))
    assert (found.distances == 4).all()


def test_blocks_of_queries_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    database, queries = random_bits(300, 12), random_bits(50, 12, seed=1)
    whole = pairs(FaissFlat(pack(database), 12), queries, 9)
    monkeypatch.setattr(index_module, "ANSWERS", 300)  # 6 queries at a time
    assert pairs(FaissFlat(pack(database), 12), queries, 9) == whole


@pytest.mark.parametrize("bits", [9, 64, 200])
def test_ties_beyond_what_faiss_was_asked_for_are_found_piece_by_piece(
    monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    monkeypatch.setattr(index_module, "keeps_order", lambda size, threads: False)
    monkeypatch.setattr(index_module, "MORE", 1)
    monkeypatch.setattr(index_module, "_PIECE", 7)
    kinds = random_bits(12, bits)
    database = kinds[np.random.default_rng(0).integers(0, 12, 500)]
    for k in (1, 20, 499, 500):
        assert pairs(FaissFlat(pack(database), bits), kinds, k) == by_sorting(kinds, database, k)


@pytest.mark.parametrize("size", [1, 3, 8, 16, 32])
@pytest.mark.parametrize("threads", [1, 3])
def test_the_installed_faiss_answers_in_the_defined_order(size: int, threads: int) -> None:
    assert keeps_order(size, threads)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_change_the_order(threads: int) -> None:
    kinds = random_bits(40, 16)
    database = kinds[np.random.default_rng(0).integers(0, 40, 3000)]
    flat = FaissFlat(pack(database), 16, threads=threads)
    assert pairs(flat, kinds, 30) == by_sorting(kinds, database, 30)


@pytest.mark.parametrize("queries", [1, FEW, FEW + 1])
@pytest.mark.parametrize("backend", ["auto", "faiss", "numpy"])
def test_the_exact_backends_answer_alike(queries: int, backend: str) -> None:
    database, asked = random_bits(300, 12), random_bits(queries, 12, seed=1)
    flat = make_index(pack(database), 12, queries=queries, backend=backend)
    assert pairs(flat, asked, 9) == by_sorting(asked, database, 9)


def clustered(count: int, bits: int) -> np.ndarray:
    """Return codes around 30 centres, as real ones are."""
    rng = np.random.default_rng(0)
    centres = random_bits(30, bits)
    return centres[rng.integers(0, 30, count)] ^ (rng.random((count, bits)) < 0.1)


def test_cells_measure_their_recall_and_reach_it() -> None:
    database, said = clustered(4000, 64), list[str]()
    codes = pack(database)
    index = make_index(codes, 64, queries=1, backend="ivf", log=said.append)
    assert isinstance(index, FaissIvf)
    assert LEAST <= index.recall <= 1
    assert f"recall@10 {index.recall:.3f} on these codes" in said[0]
    asked = codes[::97]
    found, exact = index.search(asked, 10), NumpyFlat(codes, 64).search(asked, 10)
    plain = np.mean(
        [
            sum(row >= 0 and d <= e[-1] for d, row in zip(near, rows, strict=True)) / 10
            for near, rows, e in zip(found.distances, found.rows, exact.distances, strict=True)
        ]
    )
    assert plain >= LEAST - 0.05
    for query, near, rows in zip(asked, found.distances, found.rows, strict=True):
        real = [int(np.bitwise_count(codes[row] ^ query).sum()) for row in rows]
        assert near.tolist() == real
        assert list(zip(near, rows, strict=True)) == sorted(zip(near, rows, strict=True))


def test_cells_without_enough_answers_leave_places_empty() -> None:
    codes = pack(random_bits(50, 16))
    index = FaissIvf(codes, 16, cells=25)
    found = index.search(codes[:3], 50)
    assert ((found.rows < 0) == (found.distances < 0)).all()
    with pytest.raises(ValueError, match="no codes"):
        FaissIvf(codes[:0], 16)


def test_cells_are_chosen_for_many_queries_in_many_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends_module, "MANY_CODES", 500)
    monkeypatch.setattr(backends_module, "MANY_QUERIES", 20)
    codes = pack(clustered(600, 32))
    kinds = [
        type(make_index(codes[:count], 32, queries=queries))
        for count, queries in ((600, 20), (600, 19), (500, 20), (600, 1))
    ]
    assert kinds == [FaissIvf, FaissFlat, FaissFlat, NumpyFlat]


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(UsageError, match="no backend `annoy`") as caught:
        make_index(pack(random_bits(3, 8)), 8, queries=1, backend="annoy")
    assert all(name in str(caught.value.hint) for name in BACKENDS)
    empty = make_index(np.empty((0, 1), np.uint8), 8, queries=1, backend="ivf")
    assert len(empty) == 0


@pytest.mark.parametrize("flat", BOTH)
def test_an_empty_index_answers_nothing_and_a_small_one_all_it_has(flat: Flat) -> None:
    queries = pack(random_bits(2, 10))
    assert flat(np.empty((0, 2), np.uint8), 10).search(queries, 5).rows.shape == (2, 0)
    small = flat(pack(random_bits(3, 10)), 10)
    assert small.search(queries, 5).rows.shape == (2, 3)
    assert len(small) == 3


@pytest.mark.parametrize("flat", BOTH)
def test_wrong_widths_and_k_below_one_are_refused(flat: Flat) -> None:
    with pytest.raises(ValueError, match=r"codes of 20 bits are \(N, 3\), not \(4, 2\)"):
        flat(np.zeros((4, 2), np.uint8), 20)
    with pytest.raises(ValueError, match=r"codes of 20 bits are \(N, 3\), not \(4, 2\)"):
        make_index(np.zeros((4, 2), np.uint8), 20, queries=1)
    index = flat(np.zeros((4, 2), np.uint8), 16)
    with pytest.raises(ValueError, match=r"\(N, 2\), not \(1, 3\)"):
        index.search(np.zeros((1, 3), np.uint8), 1)
    with pytest.raises(ValueError, match="k must be at least 1, not 0"):
        index.search(np.zeros((1, 2), np.uint8), 0)


@pytest.mark.parametrize("bits", [1, 64, 192, 193, 256])
def test_the_farthest_distance_is_the_number_of_bits(bits: int) -> None:
    words = to_words(pack(np.array([[False] * bits, [True] * bits])))
    assert distances(words[:, 0], words).tolist() == [0, bits]
