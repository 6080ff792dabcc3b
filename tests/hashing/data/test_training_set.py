"""Which videos of a store are trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from chainpipe.hashing.data import training_set
from chainpipe.hashing.data.training_set import TrainingFrames, training_rows
from chainpipe.hashing.models.pca import mean_covariance
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store import open_store
from tests.hashing.conftest import planted_features

MakeStore = Callable[..., Path]
Features = npt.NDArray[np.float32]


def test_only_the_train_split_is_trained_on(make_store: MakeStore, planted: Features) -> None:
    splits = [Split.TRAIN if i % 2 else Split.TEST for i in range(len(planted))]
    with open_store(make_store(planted, splits=splits)) as store:
        chosen = training_rows(store)
    assert chosen.split == "train"
    assert chosen.rows.tolist() == list(range(1, 40, 2))


def test_without_a_train_split_all_are(make_store: MakeStore, planted: Features) -> None:
    with open_store(make_store(planted)) as store:
        chosen = training_rows(store)
    assert (chosen.split, len(chosen), chosen.duplicates) == ("all", 40, 0)


@pytest.mark.parametrize("kept_apart", [Split.TEST, Split.QUERY])
def test_test_and_query_videos_are_never_trained_on(
    make_store: MakeStore, planted: Features, kept_apart: Split
) -> None:
    splits = [Split.DATABASE if i % 2 else kept_apart for i in range(len(planted))]
    with open_store(make_store(planted, splits=splits)) as store:
        chosen = training_rows(store)
    assert chosen.rows.tolist() == list(range(1, 40, 2))
    only = make_store(planted, name="only.h5", splits=[kept_apart] * len(planted))
    with open_store(only) as store, pytest.raises(UsageError, match="0 different videos"):
        training_rows(store)


def test_copies_of_a_video_count_once(make_store: MakeStore, planted: Features) -> None:
    with open_store(make_store(planted[:5], ids=[0, 1, 0, 2, 1])) as store:
        chosen = training_rows(store)
    assert chosen.rows.tolist() == [0, 1, 3]
    assert chosen.duplicates == 2


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_without_numbers_are_named_or_skipped(
    make_store: MakeStore, planted: Features, value: float
) -> None:
    planted[[3, 17], 2, 5] = value
    with open_store(make_store(planted)) as store:
        with pytest.raises(UsageError, match=r"NaN or Inf in 2 rows of `feats`: 3, 17") as caught:
            training_rows(store)
        chosen = training_rows(store, skip_bad=True)
    assert "--skip-bad" in str(caught.value.hint)
    assert chosen.bad == (3, 17)
    assert len(chosen) == 38


def test_one_video_is_too_few(make_store: MakeStore, planted: Features) -> None:
    path = make_store(planted[:2], ids=[7, 7])
    with open_store(path) as store, pytest.raises(UsageError, match="1 different videos"):
        training_rows(store)


def test_the_digest_tells_other_features_apart(make_store: MakeStore, planted: Features) -> None:
    digests = []
    for name, features in [("a.h5", planted), ("b.h5", planted), ("c.h5", planted + 1)]:
        with open_store(make_store(features, name=name)) as store:
            digests.append(training_rows(store).digest)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("memory", [0, 1 << 30])
def test_frames_come_in_order_every_time(
    make_store: MakeStore, planted: Features, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_set, "CHUNK", 7)
    rows = np.arange(1, 40, 3)
    with open_store(make_store(planted)) as store:
        frames = TrainingFrames(store, rows, memory=memory)
        expected = planted.astype(np.float16)[rows]
        for _ in range(2):
            np.testing.assert_array_equal(np.concatenate(list(frames.videos())), expected)
        np.testing.assert_allclose(
            frames.means(), expected.astype(np.float32).mean(axis=1), atol=1e-6
        )
        doubled = frames.project(lambda part: 2 * part.astype(np.float32))
    np.testing.assert_array_equal(doubled, 2 * expected.astype(np.float32))


def test_the_agreement_is_the_mean_cosine_of_two_halves(
    make_store: MakeStore, planted: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_set, "CHUNK", 7)
    with open_store(make_store(planted)) as store:
        agreement = TrainingFrames(store, np.arange(40)).halves_cosine()
    exact = planted.astype(np.float16).astype(np.float64)
    centre = exact.mean(axis=(0, 1))
    first, last = (half.mean(axis=1) - centre for half in (exact[:, :4], exact[:, -4:]))
    cosines = [a @ b / np.sqrt((a @ a) * (b @ b)) for a, b in zip(first, last, strict=True)]
    assert agreement == pytest.approx(np.mean(cosines), rel=1e-5)


@pytest.mark.parametrize(("room", "step"), [(40, 1), (39, 2), (14, 3), (1, 40)])
def test_very_many_videos_are_sampled_evenly_for_their_means(
    make_store: MakeStore, planted: Features, monkeypatch: pytest.MonkeyPatch, room: int, step: int
) -> None:
    monkeypatch.setattr(training_set, "CHUNK", 7)
    monkeypatch.setattr(training_set, "MEANS_BYTES", 12 * 12 * room)
    with open_store(make_store(planted)) as store:
        means = TrainingFrames(store, np.arange(40)).means()
    assert len(means) <= room
    expected = planted.astype(np.float16).astype(np.float32).mean(axis=1)[::step]
    np.testing.assert_allclose(means, expected, atol=1e-5)


@pytest.mark.parametrize(("sampled", "each", "step"), [(100, 3, 1), (40, 2, 1), (10, 2, 4)])
def test_of_many_videos_a_covariance_takes_seeded_draws_as_many_of_each(
    make_store: MakeStore,
    planted: Features,
    monkeypatch: pytest.MonkeyPatch,
    sampled: int,
    each: int,
    step: int,
) -> None:
    monkeypatch.setattr(training_set, "EVERY_FRAME", 39)
    monkeypatch.setattr(training_set, "SAMPLED", sampled)
    with open_store(make_store(planted)) as store:
        frames = TrainingFrames(store, np.arange(40))
        drawn = np.concatenate(list(frames.frames_for_covariance()))
        again = np.concatenate(list(frames.frames_for_covariance()))
        few = TrainingFrames(store, np.arange(39))
        assert len(np.concatenate(list(few.frames_for_covariance()))) == 39 * 9
    assert np.array_equal(drawn, again)
    videos = planted.astype(np.float16)[::step]
    assert len(drawn) == len(videos) * each
    places = set()
    for video, found in zip(videos, drawn.reshape(len(videos), each, -1), strict=True):
        same = (found[:, None] == video).all(axis=2)  # (each, T)
        assert (same.sum(axis=1) == 1).all()
        assert same.sum(axis=0).max() == 1
        places |= set(same.argmax(axis=1).tolist())
    assert len(places) > 4


def test_a_covariance_of_draws_is_near_that_of_every_frame(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = planted_features(400, 25, 12)
    monkeypatch.setattr(training_set, "SAMPLED", 1200)
    found = []
    with open_store(make_store(features)) as store:
        for limit in (400, 399):
            monkeypatch.setattr(training_set, "EVERY_FRAME", limit)
            frames = TrainingFrames(store, np.arange(400)).frames_for_covariance()
            found.append(mean_covariance(frames).covariance)
    assert np.linalg.norm(found[0] - found[1]) < 0.1 * np.linalg.norm(found[0])
