"""The held-out region: its videos by brute force, the same for every method, none trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.config.overrides import apply, to_dict
from chainpipe.hashing.config.presets import Survey
from chainpipe.hashing.data.training_set import TrainingFrames, training_rows
from chainpipe.hashing.data.validation_split import (
    TrainValSplit,
    region_mask,
    split_training_videos,
    validation_mask,
)
from chainpipe.hashing.methods.registry import METHODS
from chainpipe.pipeline.store import open_store
from chainpipe.pipeline.store.base import FeatureStore
from tests.hashing.conftest import planted_features

MakeStore = Callable[..., Path]
SURVEY = Survey(80, 0.5)


@pytest.mark.parametrize("count", [1, 7, 30])
def test_a_region_is_a_video_and_those_nearest_to_it(make_store: MakeStore, count: int) -> None:
    features = planted_features(40, 9, 12)
    free = np.arange(40) % 4 != 1
    with open_store(make_store(features)) as store:
        found = region_mask(TrainingFrames(store, np.arange(40)), 6, count, free)
        means = store.features(np.arange(40)).astype(np.float64).mean(axis=1)
    distance = {i: float(((means[i] - means[6]) ** 2).sum()) for i in range(40) if free[i]}
    expected = sorted(distance, key=lambda i: distance[i])[:count]
    assert sorted(np.flatnonzero(found).tolist()) == sorted(expected)
    assert found[6]


def split(store: FeatureStore, method: str, region: float) -> TrainValSplit:
    asked = {"validation.fraction": 0.25, "validation.region": region, "optim.epochs": 4}
    kind = METHODS[method]
    config = to_dict(kind.resolve(apply(kind.config, asked), SURVEY))
    chosen = training_rows(store)
    return split_training_videos(store, chosen, TrainingFrames(store, chosen.rows), config)


@pytest.mark.parametrize("region", [0.0, 0.5, 1.0])
def test_every_method_holds_out_the_same_videos(make_store: MakeStore, region: float) -> None:
    with open_store(make_store(planted_features(80, 9, 12))) as store:
        one, other = (split(store, method, region) for method in ("chain", "conmh"))
        held = []
        for found in (one, other):
            assert found.validation is not None
            assert len(found.training) + len(found.validation) == 80
            mask = found.validation.region
            assert (mask is None) == (region == 0)
            assert mask is None or (mask.sum(), len(mask)) == (round(20 * region), 20)
            held.append(np.concatenate(list(found.validation.videos())))
        assert np.array_equal(*held)
        trained = np.concatenate(list(one.training.videos())).reshape(60, -1)
        assert not {row.tobytes() for row in trained} & {
            row.tobytes() for row in held[0].reshape(20, -1)
        }
        if region == 0:
            mask = validation_mask(store.videos.ids[:], 20)
            assert np.array_equal(held[0], store.features(np.flatnonzero(mask)))


def test_a_region_is_one_class_of_planted_videos(make_store: MakeStore) -> None:
    """40 classes of 8 videos: a region of 8 is nearly a whole class."""
    features = planted_features(320, 4, 24, classes=40)
    with open_store(make_store(features)) as store:
        chosen = training_rows(store)
        frames = TrainingFrames(store, chosen.rows)
        mask = region_mask(frames, 3, 8, np.ones(320, bool))
    kinds = np.flatnonzero(mask) % 40
    assert (kinds == 3).mean() >= 0.75


def test_too_few_videos_hold_out_none(make_store: MakeStore) -> None:
    with open_store(make_store(planted_features(30, 4, 12))) as store:
        found = split(store, "chain", 0.5)
    assert found.validation is None
