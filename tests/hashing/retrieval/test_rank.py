"""Answers by three distances against plain sorts; copies, radius, filters and gone files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.retrieval.asymmetric import STEP, asymmetric_steps, bit_weights
from chainpipe.hashing.retrieval.bitpack import pack
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.hashing.retrieval.index import FaissFlat, NumpyFlat
from chainpipe.hashing.retrieval.ivf import FaissIvf
from chainpipe.hashing.retrieval.nearness import LOWEST, chance_limit, sample_rows
from chainpipe.hashing.retrieval.rank import (
    AsymmetricRanker,
    HammingRanker,
    Ranked,
    Reranker,
    answers_of,
    similarity,
)
from chainpipe.hashing.retrieval.rerank import DEPTH, cosine_steps
from chainpipe.hashing.retrieval.row_filter import RowFilter
from chainpipe.pipeline.errors import UsageError
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes


def lines(found: list[Ranked]) -> list[list[tuple[float, int]]]:
    return [list(zip(one.distances.tolist(), one.rows.tolist(), strict=True)) for one in found]


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 40),
    k=st.integers(1, 50),
    some=st.booleans(),
    within=st.sampled_from([None, 0.0, 2.0, 4.0]),
    seed=st.integers(0, 1000),
)
@pytest.mark.parametrize("flat", [NumpyFlat, FaissFlat])
def test_hamming_answers_are_those_of_a_plain_sort(
    flat: type[NumpyFlat] | type[FaissFlat],
    n: int,
    k: int,
    some: bool,
    within: float | None,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    bits = random_bits(6, 9, seed)[rng.integers(0, 6, n)]  # many ties
    rows = np.flatnonzero(rng.random(n) < 0.6) if some else None
    gone = set(np.flatnonzero(rng.random(n) < 0.3).tolist())
    own, asked = [(int(row),) for row in rng.integers(0, n, 3)], rng.integers(0, n, 3)
    left = np.arange(n) if rows is None else rows
    ranker = HammingRanker(flat(pack(bits)[left], 9), pack(bits)[asked], rows=rows, left_out=own)
    found, count = answers_of(ranker, k, copies=[()] * 3, within=within, is_gone=gone.__contains__)
    for query, mine, line in zip(asked, own, lines(found), strict=True):
        plain = sorted(
            (float((bits[query] ^ bits[row]).sum()), int(row)) for row in left if row not in mine
        )
        near = [one for one in plain if within is None or one[0] <= within]
        assert line == [one for one in near if one[1] not in gone][:k]
    assert 0 <= count <= len(gone)


def test_asymmetric_answers_are_those_of_a_plain_sort() -> None:
    rng = np.random.default_rng(0)
    values, codes = rng.choice([-2.0, -1, 1, 2], (4, 7)), pack(random_bits(50, 7))
    rows = np.arange(0, 50, 2)
    ranker = AsymmetricRanker(
        codes[rows], 7, values, scale=None, rows=rows, left_out=[(0,), (), (4, 6), ()]
    )
    found = lines(answers_of(ranker, 5, copies=[()] * 4)[0])
    steps = asymmetric_steps(bit_weights(values), codes, 7)
    for query, mine in enumerate([(0,), (), (4, 6), ()]):
        plain = sorted((int(steps[query, row]), int(row)) for row in rows if row not in mine)[:5]
        assert [row for _, row in found[query]] == [row for _, row in plain]
        np.testing.assert_allclose(
            [near for near, _ in found[query]], [step * STEP for step, _ in plain]
        )


def test_reranking_orders_the_first_hundred_by_cosine() -> None:
    rng = np.random.default_rng(0)
    bits, means = random_bits(400, 12), rng.normal(size=(400, 5)).astype(np.float32)
    centre = means.mean(axis=0)
    asked = np.array([3, 77])
    first = HammingRanker(
        FaissFlat(pack(bits), 12), pack(bits)[asked], rows=None, left_out=[(3,), ()]
    )
    ranker = Reranker(
        first, means[asked], means_of=lambda rows: means[rows], centre=centre, always=[(), (9,)]
    )
    found = lines(answers_of(ranker, 20, copies=[(), ()])[0])
    for query, mine, also, line in zip(asked, [{3}, set()], [(), (9,)], found, strict=True):
        near = sorted(
            (int((bits[query] ^ bits[row]).sum()), row) for row in range(400) if row not in mine
        )[:DEPTH]
        chosen = sorted({row for _, row in near} | set(also))
        steps = cosine_steps(means[query], means[chosen], centre)
        plain = sorted(zip(steps.tolist(), chosen, strict=True))[:20]
        assert [row for _, row in line] == [row for _, row in plain]
        np.testing.assert_allclose([d for d, _ in line], [step * STEP for step, _ in plain])


def test_more_answers_than_are_reranked_rerank_more() -> None:
    rng = np.random.default_rng(0)
    bits, means = random_bits(300, 12), rng.normal(size=(300, 5)).astype(np.float32)
    first = HammingRanker(NumpyFlat(pack(bits), 12), pack(bits)[:1], rows=None, left_out=[()])
    ranker = Reranker(
        first, means[:1], means_of=means.__getitem__, centre=means[0] * 0, always=[()]
    )
    [found] = answers_of(ranker, 250, copies=[()])[0]
    assert len(found.rows) == 250
    assert (np.diff(found.distances) >= 0).all()


def test_exact_copies_are_shown_whatever_else_is_at_distance_0() -> None:
    codes = np.zeros((50, 1), np.uint8)
    ranker = HammingRanker(NumpyFlat(codes, 8), codes[:1], rows=None, left_out=[(0,)])
    [found], _ = answers_of(ranker, 3, copies=[(40, 49)])
    assert lines([found]) == [[(0.0, 1), (0.0, 40), (0.0, 49)]]
    [few], _ = answers_of(ranker, 1, copies=[(40, 49)])
    assert few.rows.tolist() == [40]
    [there], _ = answers_of(ranker, 3, copies=[(40, 49)], is_gone={40, 1}.__contains__)
    assert there.rows.tolist() == [2, 3, 49]


def test_places_without_an_answer_are_no_answers() -> None:
    codes = pack(random_bits(60, 16))
    index = FaissIvf(codes, 16, cells=20)
    ranker = HammingRanker(index, codes[:4], rows=None, left_out=[(0,), (), (), ()])
    for one in answers_of(ranker, 60, copies=[()] * 4)[0]:
        assert (one.rows >= 0).all()
        assert (one.distances >= 0).all()


def test_an_empty_index_has_no_answers() -> None:
    nothing = NumpyFlat(np.empty((0, 1), np.uint8), 8)
    ranker = HammingRanker(nothing, np.zeros((2, 1), np.uint8), rows=None, left_out=[(), ()])
    assert lines(answers_of(ranker, 3, copies=[(), ()])[0]) == [[], []]


@pytest.mark.parametrize(
    ("name", "distance", "expected"),
    [("hamming", 0, 1.0), ("hamming", 16, 0.5), ("hamming", 40, 0.0), ("asymmetric", 8.0, 0.75),
     ("rerank", 0.0, 1.0), ("rerank", 0.9, 0.1), ("rerank", 1.7, 0.0)],
)  # fmt: skip
def test_similarity_is_a_cosine_from_0_to_1(name: str, distance: float, expected: float) -> None:
    assert similarity(name, distance, 64) == pytest.approx(expected)


@pytest.mark.parametrize("distance", ["hamming", "rerank"])
def test_the_limit_of_chance_is_above_unrelated_and_below_related(distance: str) -> None:
    """Planted: unrelated directions, and one that is nearly the query's."""
    rng = np.random.default_rng(0)
    size, videos, wrong = 128, 2000, 0
    for _ in range(50):
        others, query = rng.normal(size=(videos, size)), rng.normal(size=size)
        if distance == "hamming":
            others, query = np.sign(others), np.sign(query)
        cosines = others @ query / np.linalg.norm(others, axis=1) / np.linalg.norm(query)
        limit = chance_limit(
            cosines[sample_rows(videos)], videos=videos, distance=distance, size=size
        )
        wrong += cosines.max() >= limit
        assert limit < 0.6
    assert wrong <= 2


def test_the_limit_grows_with_the_library_and_with_the_scatter() -> None:
    rng = np.random.default_rng(0)
    narrow, wide = rng.normal(0, 0.1, 500), rng.normal(0, 0.25, 500)
    how = {"distance": "hamming", "size": 64}
    limits = [chance_limit(narrow, videos=n, **how) for n in (2, 100, 10_000, 10_000_000)]
    assert limits == sorted(limits)
    assert chance_limit(wide, videos=100, **how) > limits[1]
    assert chance_limit(np.empty(0), videos=1, **how) < 1
    opposite = chance_limit(np.array([1.0, -0.9, -0.9]), videos=3, **how)
    assert opposite == LOWEST  # what is unlike in a library of three is not similar


def test_filters_take_labels_paths_and_durations() -> None:
    codes = replace(
        sample_codes(random_bits(4, 8), [[0], [1], [0, 2], []]),
        paths=(b"beach/a.mp4", b"beach/deep/b.mp4", b"city/\xff.mp4", b"c\n.mp4"),
    )
    seconds = np.array([1.0, 5.0, 9.0, 5.0])

    def rows(**how: object) -> list[int] | None:
        found = RowFilter(**how).rows(codes, seconds)  # type: ignore[arg-type]
        return None if found is None else found.tolist()

    assert rows() is None
    assert rows(labels=("cat",)) == [0, 2]
    assert rows(labels=("cat", "caf\udce9")) == [0, 1, 2]
    assert rows(path="beach/*") == [0, 1]
    assert rows(path="c*") == [2, 3]
    assert rows(path="city/\udcff.mp4") == [2]
    assert rows(longer=5.0) == [1, 2, 3]
    assert rows(longer=5.0, shorter=5.0, path="*.mp4") == [1, 3]
    assert rows(path="nowhere") == []


def test_an_unknown_label_names_those_that_there_are() -> None:
    codes = sample_codes(random_bits(1, 8), names=[f"kind {i}" for i in range(12)])
    with pytest.raises(UsageError, match="no video has the label `dog`") as caught:
        RowFilter(labels=("dog",)).rows(codes, None)
    assert "`kind 0`" in str(caught.value.hint)
    assert "4 others" in str(caught.value.hint)
    with pytest.raises(UsageError) as caught:
        RowFilter(labels=("dog",)).rows(Codes.from_bits([[1]]), None)
    assert "no labels" in str(caught.value.hint)
