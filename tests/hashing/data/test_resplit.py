"""Training on chosen rows of a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from chainpipe.hashing.data.resplit import trained_on
from chainpipe.hashing.data.training_set import training_rows
from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store import open_store


def test_only_the_chosen_rows_are_trained_on_and_the_store_stays(
    make_store: Callable[..., Path], planted: np.ndarray
) -> None:
    splits = [Split.TEST if i % 2 else Split.TRAIN for i in range(len(planted))]
    with open_store(make_store(planted, splits=splits)) as store:
        rows = np.array([1, 4, 7])
        other = trained_on(store, rows)
        assert training_rows(other).rows.tolist() == [1, 4, 7]
        assert np.array_equal(other.features(rows), store.features(rows))
        assert training_rows(store).rows.tolist() == list(range(0, len(planted), 2))
