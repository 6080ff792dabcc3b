"""The metrics against the papers' sums, written as loops, and against averaging over orders."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.evaluation import metrics
from chainpipe.hashing.evaluation.choose_protocol import choose_protocol
from chainpipe.hashing.evaluation.distances import HammingDistance
from chainpipe.hashing.evaluation.ranking import rank_database
from chainpipe.pipeline.records import Split
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes


def ap(right: list[bool], k: int, divisor: float) -> float:
    """The field's formula: 1/K times the sum over ranks r of rel(r) * (hits up to r) / r."""
    hits, total = 0, 0.0
    for rank, is_right in enumerate(right[:k], start=1):
        hits += is_right
        total += is_right * hits / rank
    return total / divisor


def ap_over_all_orders(groups: list[list[bool]], k: int) -> float:
    """The mean of AP@K over every order in which tied answers can come."""
    orders = [set_of for set_of in (list(itertools.permutations(group)) for group in groups)]
    values = [
        ap([one for group in choice for one in group], k, k)
        for choice in itertools.product(*orders)
    ]
    return sum(values) / len(values)


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 40), st.integers(0, 20))
def test_average_precision_is_the_sum_in_the_papers(right: list[bool], k: int, more: int) -> None:
    gained = metrics.gains(np.array([right], bool).reshape(1, -1))
    relevant = sum(right) + more
    assert metrics.average_precision(gained, k)[0] == pytest.approx(ap(right, k, k))
    smaller = metrics.average_precision(gained, k, relevant=np.array([relevant]))[0]
    assert smaller == pytest.approx(ap(right, k, max(1, min(k, relevant))))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.booleans(), max_size=4), min_size=1, max_size=3), st.integers(1, 14))
def test_tied_ap_is_the_mean_over_all_orders(groups: list[list[bool]], k: int) -> None:
    totals = np.array([[len(group) for group in groups]])
    right = np.array([[sum(group) for group in groups]])
    gained = metrics.tied_gains(totals, right, k)
    assert metrics.average_precision(gained, k)[0] == pytest.approx(ap_over_all_orders(groups, k))


def test_tied_ap_agrees_with_shuffling_large_ties() -> None:
    rng = np.random.default_rng(0)
    groups = [np.arange(40) < 7, np.arange(300) < 60]
    shuffled = [np.concatenate([rng.permutation(group) for group in groups]) for _ in range(4000)]
    totals, right = np.array([[40, 300]]), np.array([[7, 60]])
    tied = metrics.average_precision(metrics.tied_gains(totals, right, 100), 100)[0]
    drawn = metrics.average_precision(metrics.gains(np.array(shuffled)), 100)
    assert tied == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 4000**0.5)


def test_without_ties_both_gains_are_equal() -> None:
    hits = random_bits(5, 30)
    singles = np.ones((5, 30), np.int64)
    assert metrics.tied_gains(singles, hits.astype(np.int64), 30) == pytest.approx(
        metrics.gains(hits)
    )


def test_precision_divides_by_k_and_recall_by_all_right_videos() -> None:
    hits = np.array([[True, False, True], [False, False, False]])
    assert metrics.precision_at(hits, 2).tolist() == [0.5, 0]
    assert metrics.precision_at(hits, 10).tolist() == [0.2, 0]
    assert metrics.recall_at(hits, 3, np.array([4, 0])).tolist() == [0.5, 0]


def test_gmap_is_a_geometric_mean_and_zero_when_one_value_is() -> None:
    assert metrics.geometric_mean([0.1, 0.4, 0.2]) == pytest.approx(0.2)
    assert metrics.geometric_mean([0.5, 0.0]) == 0


@pytest.mark.parametrize("bits", [4, 16, 130, 256])
@pytest.mark.parametrize("separate", [False, True])
def test_judging_agrees_with_ranking_by_hand(bits: int, separate: bool) -> None:
    codes, labels = random_bits(80, bits), random_bits(80, 5, seed=1)
    labels &= random_bits(80, 5, seed=2)
    labels[:, 0] |= ~labels.any(axis=1)
    split = np.full(80, Split.NONE, np.uint8)
    if separate:
        split = np.where(np.arange(80) % 4 == 0, Split.QUERY, Split.DATABASE).astype(np.uint8)
    protocol = choose_protocol(labels.astype(np.uint8), split)
    stored = sample_codes(codes, [np.flatnonzero(row) for row in labels], names="abcde")
    blocks = rank_database(stored, protocol, HammingDistance(), ranks=90, block=7)
    hits, totals, right = (
        np.concatenate(parts)
        for parts in zip(*((b.hits, b.totals, b.right) for b in blocks), strict=True)
    )
    for i, query in enumerate(protocol.queries):
        others = [int(row) for row in protocol.database if row != query]
        near = sorted((int((codes[query] ^ codes[row]).sum()), row) for row in others)
        shared = [bool((labels[query] & labels[row]).any()) for _, row in near]
        assert hits[i].tolist() == shared + [False] * (90 - len(shared))
        assert totals[i].tolist() == [sum(d == x for d, _ in near) for x in range(bits + 1)]
        assert right[i].sum() == sum(shared)
        assert right[i, near[0][0]] == sum(
            r for (d, _), r in zip(near, shared, strict=True) if d == near[0][0]
        )


def test_judging_never_holds_a_table_of_all_pairs() -> None:
    n = 6000
    codes = sample_codes(random_bits(n, 32), [[row % 20] for row in range(n)], names="a" * 20)
    protocol = choose_protocol(codes.labels, codes.split)
    tracemalloc.start()
    for block in rank_database(codes, protocol, HammingDistance(), ranks=100):
        assert len(block.hits) <= 256
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * n / 6  # bytes
