"""The evaluator under each distance, against sorting by the definition."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from chainpipe.hashing.evaluation.choose_protocol import choose_protocol
from chainpipe.hashing.evaluation.distances import (
    DISTANCES,
    FAR,
    AsymmetricDistance,
    Distance,
    DistanceChoice,
    HammingDistance,
    RerankDistance,
)
from chainpipe.hashing.evaluation.evaluate import CUTOFFS, Evaluation, evaluate
from chainpipe.hashing.evaluation.ranking import rank_database
from chainpipe.hashing.evaluation.two_stores import combine_stores
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Split
from tests.hashing.evaluation.test_evaluate_plain import plain_scores
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes

N, BITS = 60, 12
KINDS = np.arange(N) % 4


@dataclass(frozen=True)
class SortedHamming:
    """Hamming distance by the way of all other distances: keys that are sorted."""

    name: ClassVar[str] = "sorted"

    def facts(self) -> dict[str, str | int]:
        return HammingDistance().facts()

    def sentences(self) -> list[str]:
        return HammingDistance().sentences()

    def keys(self, *asked: object) -> npt.NDArray[np.int64]:
        return HammingDistance().keys(*asked)  # type: ignore[arg-type]


def planted() -> tuple[Codes, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return codes of 4 classes, the values whose signs they are, and features of the videos."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4, BITS))[KINDS] + 1.5 * rng.normal(size=(N, BITS))
    means = 2 + rng.normal(size=(4, 6))[KINDS] + 0.7 * rng.normal(size=(N, 6))
    codes = sample_codes(values >= 0, [[kind] for kind in KINDS], names="abcd")
    codes = replace(codes, value_scale=np.abs(values).mean(axis=0).astype(np.float32))
    return codes, values.astype(np.float32), means.astype(np.float32)


def hamming(codes: Codes, i: int, j: int) -> int:
    return int((codes.numpy()[i] != codes.numpy()[j]).sum())


def asymmetric(codes: Codes, values: npt.NDArray[np.float32], i: int, j: int) -> float:
    size = np.abs(values[i]) / codes.value_scale
    return float((size / size.mean())[codes.numpy()[i] != codes.numpy()[j]].sum())


def cosine(means: npt.NDArray[np.float32], i: int, j: int) -> float:
    a, b = (means[row].astype(float) - means.mean(axis=0) for row in (i, j))
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def check(found: Evaluation, orders: dict[int, list[int]]) -> None:
    """Compare the scores with those of given orders of the database."""
    answers = [[(0, bool(KINDS[q] == KINDS[row])) for row in order] for q, order in orders.items()]
    for k in CUTOFFS:
        expected = plain_scores(answers, k, 0)
        for name in ("map", "map_min", "precision", "recall"):
            assert found.scores[name][k] == pytest.approx(expected[name]), (name, k)


def others(query: int) -> list[int]:
    return [row for row in range(N) if row != query]


def test_asymmetric_order_is_that_of_the_definition() -> None:
    codes, values, _ = planted()
    found = evaluate(codes, method="x", distance=AsymmetricDistance(values))
    orders = {
        q: sorted(others(q), key=lambda row, q=q: (asymmetric(codes, values, q, row), row))
        for q in range(N)
    }
    check(found, orders)
    assert found.scores["map"][5] > evaluate(codes, method="x").scores["map"][5]  # planted so


@pytest.mark.parametrize("depth", [1, 10, 200])
def test_rerank_orders_the_first_answers_by_cosine_and_leaves_the_rest(depth: int) -> None:
    codes, _, means = planted()
    found = evaluate(codes, method="x", distance=RerankDistance(means, depth))
    orders = {}
    for q in range(N):
        near = sorted(others(q), key=lambda row, q=q: (hamming(codes, q, row), row))
        first = sorted(near[:depth], key=lambda row, q=q: -cosine(means, q, row))
        orders[q] = first + near[depth:]
    check(found, orders)


def test_the_sorted_way_and_the_counted_way_give_the_same_scores() -> None:
    codes, _, _ = planted()  # 12 bits: ties everywhere
    for keep in (False, True):
        protocol = choose_protocol(codes.labels, codes.split, keep_self=keep)
        one = evaluate(codes, method="x", protocol=protocol)
        other = evaluate(codes, method="x", protocol=protocol, distance=SortedHamming())
        assert one.scores["map_tied"] != one.scores["map"]
        for name, values in one.scores.items():
            assert values == pytest.approx(other.scores[name])
        for name in ("precision", "recall", "answered"):
            curves = (getattr(found.pr_rank, name) for found in (one, other))
            np.testing.assert_allclose(*curves)


def test_equal_real_distances_are_averaged_as_ties() -> None:
    """Values of -1 and 1: the asymmetric distance is the Hamming distance, ties included."""
    codes, _, _ = planted()
    codes = replace(codes, value_scale=None)
    signs = codes.numpy(signed=True).astype(np.float32)
    found = evaluate(codes, method="x", distance=AsymmetricDistance(signs))
    expected = evaluate(codes, method="x")
    assert found.scores["map_tied"] == pytest.approx(expected.scores["map_tied"])
    assert found.scores["map"] == pytest.approx(expected.scores["map"])


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_kept_query_is_its_own_first_answer(distance: str) -> None:
    codes, values, means = planted()
    codes = replace(
        codes, packed=np.arange(2 * N, dtype=np.uint16).view(np.uint8).reshape(-1, 2)[:N]
    )
    values = np.where(codes.numpy(), np.abs(values), -np.abs(values) - 1e-3)
    chosen = DistanceChoice(distance).distance(values, means)
    kept = choose_protocol(codes.labels, codes.split, keep_self=True)
    [block] = rank_database(codes, kept, chosen, ranks=1)
    assert block.hits.all()
    [block] = rank_database(codes, choose_protocol(codes.labels, codes.split), chosen, ranks=N)
    assert block.totals.sum(axis=1).tolist() == [N - 1] * N
    assert not block.hits[:, -1].any()


def test_a_separate_database_in_blocks_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, values, means = planted()
    split = np.where(np.arange(N) % 3 == 0, Split.QUERY, Split.DATABASE).astype(np.uint8)
    codes = replace(codes, split=split)
    for chosen in (AsymmetricDistance(values), RerankDistance(means, 7)):
        whole = evaluate(codes, method="x", distance=chosen)
        monkeypatch.setattr("chainpipe.hashing.evaluation.ranking.CELLS", 3 * N)
        blocks = evaluate(codes, method="x", distance=chosen)
        for name, scores in whole.scores.items():
            assert blocks.scores[name] == pytest.approx(scores)
        monkeypatch.undo()
        apart = combine_stores(codes[split == Split.QUERY], codes[split == Split.DATABASE])
        order = np.argsort(split != Split.QUERY, kind="stable")
        again = (
            AsymmetricDistance(values[split == Split.QUERY])
            if isinstance(chosen, AsymmetricDistance)
            else RerankDistance(means[order], 7)
        )
        scores = evaluate(apart, method="x", distance=again).scores
        assert scores["map"] == pytest.approx(whole.scores["map"])


def test_two_stores_take_the_scale_of_the_database() -> None:
    codes, _, _ = planted()
    asking = replace(codes, value_scale=np.ones(BITS, np.float32))
    assert combine_stores(asking, codes).value_scale is codes.value_scale


def test_real_distances_have_no_radius_and_say_so() -> None:
    codes, values, means = planted()
    plain = evaluate(codes, method="x").to_json()
    assert plain["distance"] == "hamming"
    for name, more in (("asymmetric", []), ("rerank", ["rerank_depth"])):
        found = evaluate(codes, method="x", distance=DistanceChoice(name).distance(values, means))
        assert found.pr_radius is None
        assert found.precision_radius_2 is None
        content = json.loads(json.dumps(found.to_json()))
        assert content["distance"] == name
        missing = {"precision_radius_2", "pr_radius"}
        assert set(content) == (set(plain) - missing) | set(more)
        assert "no_answer" not in content["protocol"]
        assert any(line.startswith(f"Distance: {name}") for line in found.sentences())
        assert not any("radius" in line for line in found.sentences())
        assert name in repr(found)
    assert content["rerank_depth"] == 100
    assert any("radius 2" in line for line in evaluate(codes, method="x").sentences())


def test_sorting_never_holds_a_table_of_all_pairs() -> None:
    n = 6000
    codes = sample_codes(random_bits(n, 32), [[row % 20] for row in range(n)], names="a" * 20)
    protocol = choose_protocol(codes.labels, codes.split)
    protocol = replace(protocol, queries=protocol.queries[:1500])
    distance: Distance = AsymmetricDistance(codes.numpy(signed=True).astype(np.float32))
    tracemalloc.start()
    for block in rank_database(codes, protocol, distance, ranks=100):
        assert len(block.hits) <= 256
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * n * n  # bytes, of float64


@pytest.mark.parametrize(
    ("name", "depth", "message"),
    [("cosine", 100, "no distance `cosine`"), ("rerank", 0, "0 answers cannot be re-ranked")],
)
def test_a_choice_that_cannot_be_is_refused(name: str, depth: int, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        DistanceChoice(name, depth)
    assert caught.value.hint


def test_a_distance_without_what_it_needs_is_refused() -> None:
    for name in ("asymmetric", "rerank"):
        with pytest.raises(ValueError, match=f"`{name}` needs more than the codes"):
            DistanceChoice(name).distance()


def test_what_is_left_out_is_far_in_every_distance() -> None:
    codes, values, means = planted()
    rows, own = np.arange(3), np.array([4, -1, 0])
    for name in DISTANCES:
        keys = DistanceChoice(name, 5).distance(values, means).keys(codes, rows, np.arange(N), own)
        assert (keys == FAR).nonzero()[0].tolist() == [0, 2]
        assert (keys == FAR).nonzero()[1].tolist() == [4, 0]
