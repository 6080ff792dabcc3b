"""The order of answers by given distances."""

from __future__ import annotations

import numpy as np
import pytest

from chainpipe.hashing.evaluation.real_distances import comparable, nearest_rows


@pytest.mark.parametrize("whole", [True, False])
def test_the_order_is_that_of_a_plain_sort(whole: bool) -> None:
    rng = np.random.default_rng(2)
    distances = rng.integers(0, 4, (6, 11)) if whole else rng.random((6, 11)).round(1)
    own = np.array([0, -1, 5, -1, 10, -1])
    found = nearest_rows(distances, own, ranks=13)
    for line, itself, rows in zip(distances, own, found, strict=True):
        expected = sorted((value, row) for row, value in enumerate(line) if row != itself)
        padding = [-1] * (13 - len(expected))
        assert rows.tolist() == [row for _, row in expected] + padding


def test_real_distances_are_rounded_and_whole_ones_are_not() -> None:
    assert comparable(np.array([0.10001, 0.10004])).tolist() == [0.1, 0.1]
    whole = np.array([3, 4], np.uint16)
    assert comparable(whole) is whole
