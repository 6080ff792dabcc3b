"""Which queries the demo's picture shows."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.reporting.example_queries import example_rows, right_answers
from chainpipe.hashing.retrieval.encode import encode_store
from chainpipe.pipeline.store import open_store
from tests.hashing.retrieval.answer_samples import make_model, make_store, make_videos, video

NAMES = [f"{letter}/{letter}{i}.mp4" for letter in "abc" for i in range(3)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1), st.integers(1, 8))
def test_examples_are_good_then_worse_with_the_worst_last(
    videos: list[tuple[int, int]], count: int
) -> None:
    right, kinds = np.array(videos).T
    rows = example_rows(right, kinds, count)
    shown = right[rows].tolist()
    assert len(set(rows)) == len(rows) == min(count, len(videos))
    assert shown == sorted(shown, reverse=True)
    if count > 1:
        assert (shown[0], shown[-1]) == (right.max(), right.min())
        assert sum(right[rows] < right.max()) == max(
            min((right < right.max()).sum(), count // 2), len(rows) - (right == right.max()).sum()
        )


def test_good_examples_are_of_many_classes() -> None:
    kinds = np.repeat(np.arange(8), 4)
    rows = example_rows(np.full(32, 5), kinds, 4)
    assert len(set(kinds[rows].tolist())) == 4


def test_right_answers_equal_a_plain_count(tmp_path: Path) -> None:
    root = tmp_path / "videos"
    make_videos(root, NAMES)
    store = make_store(tmp_path / "feats.h5", root, [video(root, name) for name in NAMES])
    facts = make_model(tmp_path / "model", store)
    with open_store(store) as opened:
        codes = encode_store(opened, facts, load_hasher(tmp_path / "model")[1])
    bits = np.unpackbits(codes.packed, axis=1, bitorder="little")
    expected = []
    for row in range(len(NAMES)):
        others = [other for other in range(len(NAMES)) if other != row]
        others.sort(key=lambda other: (int((bits[row] != bits[other]).sum()), other))
        letters = [os.fsdecode(codes.paths[other])[0] for other in others[:4]]
        expected.append(letters.count(NAMES[row][0]))
    assert right_answers(codes, 4).tolist() == expected
    unlabelled = replace(codes, labels=np.zeros_like(codes.labels))
    assert right_answers(unlabelled, 4).tolist() == [0] * len(NAMES)
