"""Who asks, who is searched, and what the scores are then."""

from __future__ import annotations

import json

import numpy as np
import pytest

from chainpipe.hashing.evaluation.choose_protocol import choose_protocol
from chainpipe.hashing.evaluation.evaluate import CUTOFFS, evaluate
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Split
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes

NONE, TRAIN, TEST, QUERY, DATABASE, VAL = Split


def protocol_of(split: list[Split], labels: list[list[int]] | None = None) -> object:
    multi_hot = np.array(labels if labels is not None else [[1]] * len(split), np.uint8)
    return choose_protocol(multi_hot, np.array(split, np.uint8))


@pytest.mark.parametrize(
    ("split", "name", "asking", "queries", "database"),
    [
        ([NONE, NONE], "leave-one-out", "all videos", [0, 1], [0, 1]),
        ([TRAIN, TEST, TEST, NONE], "leave-one-out", "test", [1, 2], [1, 2]),
        ([QUERY, DATABASE, TRAIN], "query against database", "query", [0], [1]),
        ([TEST, QUERY, DATABASE, TEST], "query against database", "query", [1], [2]),
        ([TEST, QUERY, TEST], "leave-one-out", "test", [0, 2], [0, 2]),
    ],
)
def test_splits_choose_the_protocol(
    split: list[Split], name: str, asking: str, queries: list[int], database: list[int]
) -> None:
    protocol = protocol_of(split)
    assert (protocol.name, protocol.asking) == (name, asking)
    assert protocol.queries.tolist() == queries
    assert protocol.database.tolist() == database
    assert protocol.facts()["queries"] == asking


def test_unlabeled_videos_are_searched_but_do_not_ask() -> None:
    protocol = protocol_of([NONE] * 3, [[1, 0], [0, 0], [0, 1]])
    assert protocol.queries.tolist() == [0, 2]
    assert protocol.database.tolist() == [0, 1, 2]
    assert protocol.sentences()[1] == "Searched, but no query, for want of a label: 1 video."


@pytest.mark.parametrize("labels", [[[], []], [[0, 0], [0, 0]]])
def test_a_store_without_labels_cannot_be_evaluated(labels: list[list[int]]) -> None:
    with pytest.raises(UsageError, match="no video that could ask has a label") as caught:
        protocol_of([NONE, NONE], labels)
    assert "--labels" in str(caught.value.hint)


@pytest.mark.parametrize("split", [[TRAIN, TRAIN], [QUERY, TRAIN], [DATABASE, NONE]])
def test_splits_without_anything_to_evaluate_are_refused(split: list[Split]) -> None:
    name = split[0].name.lower()
    with pytest.raises(UsageError, match=f"`{name}`.* name no videos to evaluate on"):
        protocol_of(split)


def test_one_video_alone_is_nothing_to_search() -> None:
    with pytest.raises(UsageError, match=r"fewer than 2 videos to evaluate on \(`test`\)"):
        protocol_of([TEST, TRAIN])


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ([NONE, NONE], "No splits: every video asks and all others are searched"),
        ([TEST, TEST], "Each `test` video asks and all others of them are searched."),
        ([QUERY, DATABASE], "Each `query` video asks and all `database` videos are searched."),
    ],
)
def test_the_protocol_is_said_in_words(split: list[Split], words: str) -> None:
    sentences = protocol_of(split).sentences()
    assert sentences[0].startswith(words)
    assert any("(1/K)" in line for line in sentences)
    assert any("ordered by row" in line for line in sentences)


def test_perfect_codes_reach_the_ceiling_of_each_metric() -> None:
    """4 classes of 10: each query has R = 9 right answers, all at distance 0."""
    kinds = np.arange(40) % 4
    codes = sample_codes(random_bits(4, 32)[kinds], [[kind] for kind in kinds], names="abcd")
    scores = evaluate(codes, method="planted").scores
    for k in CUTOFFS:
        assert scores["map"][k] == pytest.approx(min(1, 9 / k))
        assert scores["map_min"][k] == pytest.approx(1)
        assert scores["map_tied"][k] == pytest.approx(min(1, 9 / k))
        assert scores["precision"][k] == pytest.approx(min(1, 9 / k))
        assert scores["recall"][k] == pytest.approx(min(1, k / 9))


def test_equal_codes_give_chance_when_ties_are_averaged_but_not_by_row() -> None:
    """Sorted by class, the row order alone looks like knowledge; averaging sees through it."""
    kinds = np.repeat(np.arange(4), 50)
    codes = sample_codes(np.zeros((200, 8), bool), [[kind] for kind in kinds], names="abcd")
    scores = evaluate(codes, method="constant").scores
    chance = 49 / 199
    ranks = np.arange(1, 6)
    expected = np.mean(chance * (1 + (ranks - 1) * 48 / 198) / ranks)
    assert scores["map_tied"][5] == pytest.approx(expected)
    assert scores["map"][5] == pytest.approx(0.25)  # right for the first class, wrong for others


def test_the_json_object_has_the_keys_of_the_contract() -> None:
    codes = sample_codes(random_bits(30, 16), [[row % 3] for row in range(30)])
    found = json.loads(json.dumps(evaluate(codes, method="random").to_json()))
    expected = "schema method bits distance protocol queries database map map_min map_tied gmap"
    more = ["precision_radius_2", "pr_radius", "pr_rank"]
    assert list(found) == [*expected.split(), "precision", "recall", *more]
    assert found["pr_radius"]["radius"] == list(range(17))
    assert found["pr_rank"]["rank"][-1] == 30
    assert (found["schema"], found["method"], found["bits"]) == (1, "random", 16)
    assert (found["queries"], found["database"]) == (30, 30)
    for name in ("map", "map_min", "map_tied", "precision", "recall"):
        assert list(found[name]) == ["5", "20", "40", "60", "80", "100"]
    assert found["gmap"] == pytest.approx(np.prod(list(found["map"].values())) ** (1 / 6))


def test_progress_counts_every_query_once() -> None:
    codes = sample_codes(random_bits(600, 8), [[0]] * 600)
    done: list[int] = []
    evaluate(codes, method="random", progress=done.append)
    assert sum(done) == 600
    assert len(done) > 1
