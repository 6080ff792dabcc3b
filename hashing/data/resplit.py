"""A store with other splits: train on chosen rows without writing a new store."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store.base import FeatureStore


def trained_on(store: FeatureStore, rows: npt.NDArray[np.int64]) -> FeatureStore:
    """Return the same open store with the split ``train`` for some rows and ``none`` for others.

    It shares the file with ``store``: close only one of them.

    Args:
        store: An open store.
        rows: Rows to train on.
    """
    split = np.full(len(store.videos), Split.NONE, np.uint8)
    split[rows] = Split.TRAIN
    other = copy.copy(store)
    # Past the protocol, whose stores are read-only: every kind keeps these in its own dictionary.
    vars(other).update(videos=replace(store.videos, split=split), table_sha256="")
    return other
