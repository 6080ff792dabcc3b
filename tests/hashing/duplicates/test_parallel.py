"""Pairs compared in several processes have the answers of one process, in the same order."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.duplicates import parallel
from chainpipe.hashing.duplicates.comparison import ProjectedVideos
from chainpipe.hashing.duplicates.parallel import compare_pairs
from chainpipe.hashing.duplicates.videos import ComparedVideos
from chainpipe.hashing.matching.second_check import SecondCheck
from chainpipe.pipeline.store import open_store
from tests.hashing.duplicates.duplicate_samples import library, write


def test_two_processes_answer_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "FEWEST", 1)
    monkeypatch.setattr(parallel, "_CHUNK", 7)
    with open_store(write(tmp_path / "feats.h5", library()[:8])) as store:
        videos = ComparedVideos(store)
        held = ProjectedVideos(videos, SecondCheck.fit(store), range(8))
    pairs = np.array(list(combinations(range(7), 2)))
    one, two = (list(chain(*compare_pairs(held, pairs, workers=n))) for n in (1, 2))
    assert len(one) == len(pairs)
    assert one == two
    assert sum(verdict is not None for verdict in one) >= 4
