"""The whole evaluator against a plain one, and ties against shuffling the database."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.evaluation.choose_protocol import choose_protocol
from chainpipe.hashing.evaluation.evaluate import CUTOFFS, Evaluation, evaluate
from chainpipe.hashing.evaluation.two_stores import combine_stores
from chainpipe.hashing.retrieval.codes import pack
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Split
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes

Bits = npt.NDArray[np.bool_]


def plain(
    bits: Bits, labels: Bits, asking: list[int], searched: list[int], keep: bool
) -> list[list[tuple[int, bool]]]:
    """Return each query's (distance, is right) in the order (distance, row)."""
    return [
        [
            (d, bool((labels[q] & labels[row]).any()))
            for d, row in sorted((int((bits[q] ^ bits[row]).sum()), row) for row in searched)
            if keep or row != q
        ]
        for q in asking
    ]


def plain_scores(answers: list[list[tuple[int, bool]]], k: int, radius: int) -> dict[str, float]:
    """Return the means over all queries of everything, by the definitions."""
    found: dict[str, list[float]] = {}
    for ranked in answers:
        right = [is_right for _, is_right in ranked]
        gain = sum(sum(right[: r + 1]) / (r + 1) for r, hit in enumerate(right[:k]) if hit)
        near = [is_right for d, is_right in ranked if d <= radius]
        values = {
            "map": gain / k,
            "map_min": gain / max(1, min(k, sum(right))),
            "precision": sum(right[:k]) / k,
            "recall": sum(right[:k]) / max(1, sum(right)),
            "radius precision": sum(near) / max(1, len(near)),
            "radius recall": sum(near) / max(1, sum(right)),
            "radius answered": float(bool(near)),
        }
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    return {name: float(np.mean(values)) for name, values in found.items()}


def check_against_plain(
    found: Evaluation, answers: list[list[tuple[int, bool]]], radius: int
) -> None:
    for k in CUTOFFS:
        expected = plain_scores(answers, k, radius)
        for name in ("map", "map_min", "precision", "recall"):
            assert found.scores[name][k] == pytest.approx(expected[name]), (name, k)
    curve = found.pr_radius
    assert curve.precision[radius] == pytest.approx(expected["radius precision"])
    assert curve.recall[radius] == pytest.approx(expected["radius recall"])
    assert curve.answered[radius] == pytest.approx(expected["radius answered"])
    if radius == 2:
        assert found.precision_radius_2 == pytest.approx(expected["radius precision"])


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Bits, Bits]:
    """Draw bits (N, K), K small enough for many ties, and multi-hot labels, the first with one."""
    n, k = draw(st.integers(4, 30)), draw(st.sampled_from([2, 3, 5, 8, 70, 200]))
    classes = draw(st.sampled_from([1, 3, 70]))
    seed = draw(st.integers(0, 10_000))
    labels = random_bits(n, classes, seed=seed + 1)
    if classes > 3:
        labels &= np.random.default_rng(seed).random((n, classes)) < 0.05
    labels[:2, 0] = True
    return random_bits(n, k, seed=seed), labels


@settings(max_examples=60, deadline=None)
@given(labelled(), st.booleans(), st.integers(0, 5))
def test_all_against_all_agrees_with_the_plain_evaluator(
    drawn: tuple[Bits, Bits], keep: bool, radius: int
) -> None:
    bits, labels = drawn
    codes = sample_codes(bits, [np.flatnonzero(row) for row in labels], names=names_of(labels))
    protocol = choose_protocol(codes.labels, codes.split, keep_self=keep)
    found = evaluate(codes, method="drawn", protocol=protocol)
    asking = [row for row in range(len(bits)) if labels[row].any()]
    answers = plain(bits, labels, asking, list(range(len(bits))), keep)
    check_against_plain(found, answers, min(radius, bits.shape[1]))


@settings(max_examples=60, deadline=None)
@given(labelled(), st.integers(0, 5), st.integers(1, 3))
def test_a_separate_database_agrees_with_the_plain_evaluator(
    drawn: tuple[Bits, Bits], radius: int, every: int
) -> None:
    bits, labels = drawn
    split = [Split.QUERY if row % (every + 1) == 0 else Split.DATABASE for row in range(len(bits))]
    labels[1] = True  # so that something searched has a label
    lists = [np.flatnonzero(row) for row in labels]
    found = evaluate(sample_codes(bits, lists, split, names_of(labels)), method="drawn")
    asking = [r for r in range(len(bits)) if split[r] == Split.QUERY and labels[r].any()]
    searched = [r for r in range(len(bits)) if split[r] == Split.DATABASE]
    answers = plain(bits, labels, asking, searched, keep=False)
    check_against_plain(found, answers, min(radius, bits.shape[1]))


def names_of(labels: Bits) -> list[str]:
    return [f"{column:03}" for column in range(labels.shape[1])]


def test_tied_map_and_the_rank_curve_are_means_over_1000_orders_of_the_database() -> None:
    bits, labels = random_bits(50, 4), np.arange(50) % 3
    split = [Split.QUERY] * 10 + [Split.DATABASE] * 40
    codes = sample_codes(bits, [[kind] for kind in labels], split)
    found = evaluate(codes, method="tied")
    rng = np.random.default_rng(0)
    maps, curves = [], []
    for _ in range(1000):
        order = np.concatenate([np.arange(10), 10 + rng.permutation(40)])
        near = (bits[:10, None] ^ bits[None, order[10:]]).sum(axis=2).argsort(axis=1, kind="stable")
        right = labels[:10, None] == labels[order[10:]][near]
        hits = right.cumsum(axis=1)
        maps.append(((right * hits)[:, :20] / np.arange(1, 21)).sum(axis=1).mean() / 20)
        curves.append((hits / np.arange(1, 41)).mean(axis=0))
    assert found.scores["map_tied"][20] == pytest.approx(np.mean(maps), abs=4e-4)
    at = found.pr_rank.cuts - 1
    assert found.pr_rank.precision == pytest.approx(np.mean(curves, axis=0)[at], abs=2e-2)
    assert np.std(maps) > 3e-3  # the orders do differ


def test_one_order_gives_what_map_by_row_says() -> None:
    """The shuffled reference above, with the rows as they lie, is `map` itself."""
    bits, labels = random_bits(50, 4), np.arange(50) % 3
    split = [Split.QUERY] * 10 + [Split.DATABASE] * 40
    codes = sample_codes(bits, [[kind] for kind in labels], split)
    near = (bits[:10, None] ^ bits[None, 10:]).sum(axis=2).argsort(axis=1, kind="stable")
    right = labels[:10, None] == labels[10:][near]
    expected = ((right * right.cumsum(axis=1))[:, :5] / np.arange(1, 6)).sum(axis=1).mean() / 5
    assert evaluate(codes, method="rows").scores["map"][5] == pytest.approx(expected)


def test_a_query_without_an_answer_within_the_radius_counts_zero() -> None:
    """Query 0 has its one right answer at distance 1, query 1 nothing nearer than 8."""
    bits = np.zeros((4, 12), bool)
    bits[1, :] = True
    bits[2, 0] = True
    bits[3, :4] = True
    split = [Split.QUERY, Split.QUERY, Split.DATABASE, Split.DATABASE]
    found = evaluate(sample_codes(bits, [[0]] * 4, split), method="far")
    assert found.precision_radius_2 == pytest.approx(0.5)
    assert found.pr_radius.answered[:3].tolist() == [0, 0.5, 0.5]
    assert found.pr_radius.precision[12] == found.pr_radius.recall[12] == 1


def test_a_kept_query_is_a_sure_hit() -> None:
    bits, kinds = random_bits(40, 32), [[row % 3] for row in range(40)]
    codes = sample_codes(bits, kinds)
    kept = choose_protocol(codes.labels, codes.split, keep_self=True)
    assert (kept.name, kept.facts()["itself"]) == ("all against all", "kept")
    assert any("finds itself" in line for line in kept.sentences())
    more, less = (evaluate(codes, method="x", protocol=one).scores for one in (kept, None))
    assert more["map"][5] > less["map"][5] + 0.1


def test_two_stores_are_matched_by_label_names() -> None:
    bits = random_bits(30, 16)
    together = sample_codes(bits, [[row % 3] for row in range(30)], names="abc")
    first = replace(
        sample_codes(bits[:10], [[2 - row % 3] for row in range(10)], names="cba"),
        split=np.full(10, Split.TRAIN, np.uint8),
    )
    second = sample_codes(bits[10:], [[row % 3 + 1] for row in range(10, 30)], names="_abc")
    found = combine_stores(first, second)
    split = np.array([Split.QUERY] * 10 + [Split.DATABASE] * 20, np.uint8)
    expected = evaluate(replace(together, split=split), method="x")
    assert evaluate(found, method="x").to_json() == expected.to_json()


def test_stores_without_a_common_label_cannot_be_compared() -> None:
    one, other = (sample_codes(random_bits(4, 8), [[0]] * 4, names=name) for name in ("a", "b"))
    with pytest.raises(UsageError, match="no label in common"):
        combine_stores(one, other)
    longer = sample_codes(random_bits(4, 16), [[0]] * 4, names="a")
    with pytest.raises(ValueError, match="different bits"):
        combine_stores(one, longer)


def test_codes_of_every_length_have_a_radius_2() -> None:
    codes = sample_codes(random_bits(6, 1), [[0]] * 6)
    assert codes.packed.shape == pack(random_bits(6, 1)).shape
    assert evaluate(codes, method="short").precision_radius_2 == pytest.approx(1)
