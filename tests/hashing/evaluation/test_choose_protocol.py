"""Protocols by name: who asks and who is searched in the published benchmarks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chainpipe.hashing.evaluation.benchmarks import BENCHMARKS
from chainpipe.hashing.evaluation.choose_protocol import (
    NAMES,
    choose_protocol,
    only_needed,
    without_itself,
)
from chainpipe.hashing.evaluation.protocol import Protocol
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Split

NONE, TRAIN, TEST, QUERY, DATABASE, VAL = Split


def chosen(split: list[Split], name: str, *, features: str = "", keep: bool = False) -> Protocol:
    labels = np.ones((len(split), 1), np.uint8)
    numbers = np.array(split, np.uint8)
    return choose_protocol(labels, numbers, name=name, features=features, keep_self=keep)


@pytest.mark.parametrize(
    ("name", "split", "queries", "database", "itself"),
    [
        ("fcvid", [TRAIN, TEST, TEST], [1, 2], [1, 2], "kept"),
        ("ucf101", [TRAIN, TEST, TRAIN], [1], [0, 2], "removed"),
        ("hmdb51", [TEST, TRAIN, NONE], [0], [1], "removed"),
        ("activitynet", [TRAIN, QUERY, DATABASE], [1], [2], "removed"),
        ("yfcc", [DATABASE, QUERY, QUERY], [1, 2], [0], "removed"),
        ("split", [TEST, QUERY, DATABASE], [1], [2], "removed"),
        ("leave-one-out", [QUERY, DATABASE, TEST, TEST], [2, 3], [2, 3], "removed"),
        ("leave-one-out", [TRAIN, VAL, TEST, TEST], [2, 3], [2, 3], "removed"),
        ("leave-one-out", [TRAIN, VAL, NONE, VAL], [1, 3], [1, 3], "removed"),
    ],
)
def test_a_name_says_who_asks_and_who_is_searched(
    name: str, split: list[Split], queries: list[int], database: list[int], itself: str
) -> None:
    found = chosen(split, name)
    assert (found.queries.tolist(), found.database.tolist()) == (queries, database)
    assert found.facts()["itself"] == itself
    if name in BENCHMARKS:
        assert found.facts()["name"] == name
        assert found.sentences()[0].startswith(f"{BENCHMARKS[name].title}'s protocol: Each `")


@pytest.mark.parametrize(
    ("features", "split", "name"),
    [
        ("published:fcv", [TRAIN, TEST, TEST], "fcvid"),
        ("published:ucf", [TRAIN, TEST], "ucf101"),
        ("published:hmdb", [TRAIN, TEST], "hmdb51"),
        ("published:activitynet", [TRAIN, QUERY, DATABASE], "activitynet"),
        ("published:yfcc", [TRAIN, QUERY, DATABASE], "yfcc"),
        ("cnn:efficientnet-lite0", [TRAIN, TEST, TEST], "leave-one-out"),
    ],
)
def test_auto_takes_the_own_protocol_of_published_features(
    features: str, split: list[Split], name: str
) -> None:
    assert chosen(split, "auto", features=features).name == name


@pytest.mark.parametrize(
    ("name", "split", "lacking"),
    [
        ("fcvid", [TRAIN, TRAIN], "test"),
        ("ucf101", [TEST, TEST], "train"),
        ("activitynet", [TEST, DATABASE], "query"),
        ("split", [NONE, QUERY], "database"),
    ],
)
def test_a_protocol_that_does_not_fit_is_refused(
    name: str, split: list[Split], lacking: str
) -> None:
    message = rf"does not fit: in `.*` `.*` videos ask .*no video is `{lacking}`"
    with pytest.raises(UsageError, match=message) as caught:
        chosen(split, name)
    assert "auto" in str(caught.value.hint)


def test_an_unknown_protocol_is_refused_with_all_names() -> None:
    with pytest.raises(UsageError, match="no protocol `kinetics`") as caught:
        chosen([TEST, TEST], "kinetics")
    assert all(name in str(caught.value.hint) for name in NAMES)


def test_a_database_without_labels_is_refused() -> None:
    labels = np.array([[1], [0]], np.uint8)
    split = np.array([TEST, TRAIN], np.uint8)
    with pytest.raises(UsageError, match="no `train` video has a label"):
        choose_protocol(labels, split, name="ucf101")


def test_keeping_what_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no `query` video is among the `database` videos"):
        chosen([QUERY, DATABASE], "auto", keep=True)
    assert chosen([TRAIN, TEST, TEST], "fcvid", keep=True).name == "fcvid"


def test_other_sizes_than_the_published_are_said() -> None:
    found = chosen([TRAIN, TEST, TEST], "ucf101")
    assert found.differs_from_published()
    assert "3783 queries and 9537 searched videos, not 2 and 1" in found.sentences()[1]
    same = replace(found, queries=np.zeros(3783, int), database=np.zeros(9537, int))
    assert not same.differs_from_published()
    assert not chosen([NONE, NONE], "auto").differs_from_published()


def test_the_rows_that_a_protocol_needs_keep_their_roles() -> None:
    found = chosen([TRAIN, TEST, NONE, TRAIN, TEST], "ucf101")
    rows, among = only_needed(found)
    assert rows.tolist() == [0, 1, 3, 4]
    assert rows[among.queries].tolist() == found.queries.tolist()
    assert rows[among.database].tolist() == found.database.tolist()
    assert without_itself(chosen([TEST, TEST], "fcvid")).facts()["itself"] == "removed"
