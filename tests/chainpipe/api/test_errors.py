"""Mistakes end in the product's own errors, each with a hint."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainpipe
from chainpipe import ChainpipeError, DamageError, NotFoundError, UsageError

FEATURES = np.random.default_rng(0).normal(size=(40, 6, 12)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> chainpipe.Model:
    return chainpipe.train(FEATURES, bits=8, method="pca-itq")


def test_every_error_is_of_one_family() -> None:
    named = [name for name in chainpipe.__all__ if name.endswith("Error")]
    assert len(named) == 9
    assert all(issubclass(getattr(chainpipe, name), ChainpipeError) for name in named)


def test_a_traceback_shows_the_hint() -> None:
    error = UsageError("bits is 0", hint="1 or more")
    assert "hint: 1 or more" in "".join(traceback.format_exception_only(error))


@pytest.mark.parametrize("kind", [str, Path])
def test_stores_that_are_none_are_not_found(tmp_path: Path, kind: type) -> None:
    (tmp_path / "notes.txt").write_text("no store")
    (tmp_path / "empty.h5").touch()
    for name in ("nowhere.h5", "notes.txt", "empty.h5"):
        with pytest.raises(NotFoundError, match=name):
            chainpipe.open_store(kind(tmp_path / name))


@pytest.mark.parametrize("kind", [str, Path])
def test_an_altered_store_is_damaged(tmp_path: Path, store: Path, kind: type) -> None:
    whole = store.read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamageError, match="cut"):
        chainpipe.open_store(kind(tmp_path / "cut.h5"))
    with chainpipe.open_store(kind(store)) as opened:
        assert len(opened) == 8


@pytest.mark.parametrize(
    "shape", [(40, 6, 13), (40, 13), (12,), (2, 3, 6, 12), (40, 6, 0), (0,), ()]
)
def test_features_of_another_size_are_refused(
    model: chainpipe.Model, shape: tuple[int, ...]
) -> None:
    with pytest.raises(UsageError) as caught:
        model.encode(np.zeros(shape, np.float32))
    assert str(list(shape)) in str(caught.value)
    assert "[N, T, 12] or [N, 12]" in str(caught.value)


def test_no_videos_give_no_codes(model: chainpipe.Model) -> None:
    assert len(model.encode(np.zeros((0, 6, 12), np.float32))) == 0


def test_features_that_are_not_finite_are_refused(model: chainpipe.Model) -> None:
    bad = FEATURES.copy()
    bad[3, 2, 1] = np.nan
    with pytest.raises(UsageError, match="NaN or infinite features in `3`"):
        model.encode(bad)
    with pytest.raises(UsageError, match="NaN or Inf in 1 row"):
        chainpipe.train(bad, bits=8)
    assert chainpipe.train(bad, bits=8, method="lsh", skip_bad=True).facts.data["videos"] == 39


def test_a_store_of_another_size_or_backbone_is_refused(
    model: chainpipe.Model, store: Path
) -> None:
    with pytest.raises(UsageError, match=r"are \[8, 25, 1280\], but the model reads \[N, T, 12\]"):
        model.encode(store)
    wide = np.random.default_rng(0).normal(size=(40, 1280)).astype(np.float32)
    other = chainpipe.train(wide, bits=8, method="lsh")
    with pytest.raises(UsageError, match="backbone: arrays / cnn"):
        other.encode(store)


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"bits": 0}, "bits 0"),
        ({"bits": 257}, "bits 257"),
        ({"method": "sha"}, "no method `sha`"),
        ({"seed": -1}, "seed -1"),
        ({"threads": 0}, "threads 0"),
        ({"device": "tpu"}, "no device `tpu`"),
        ({"config": "best"}, "no config `best`"),
        ({"config": {"optim.epoch": 3}}, r"no config key `optim\.epoch`"),
        ({"config": {"optim.epochs": "many"}}, r"`optim\.epochs` is `many`"),
        ({"config": {"optim": {"epochs": -1}}}, r"`optim\.epochs` is `-1`"),
        ({"epochs": -1}, r"`optim\.epochs` is `-1`"),
        ({"method": "lsh", "epochs": 3}, "`lsh` has no settings"),
        ({"method": "conmh", "config": "paper"}, "no config `paper`"),
        ({"time_limit": 5.0}, "without `out`"),
    ],
)
def test_bad_values_of_train_are_refused(how: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named) as caught:
        chainpipe.train(FEATURES, **{"bits": 8, **how})
    assert caught.value.hint


def test_one_video_is_too_few() -> None:
    with pytest.raises(UsageError, match="1 different videos"):
        chainpipe.train(FEATURES[:1], bits=8)


def test_a_time_limit_ends_in_its_error(tmp_path: Path) -> None:
    with pytest.raises(chainpipe.TimeLimitError):
        chainpipe.train(FEATURES, bits=8, epochs=50, out=tmp_path / "m", time_limit=0.0)


def test_models_that_are_none_are_not_found(tmp_path: Path, model: chainpipe.Model) -> None:
    with pytest.raises(NotFoundError, match="no model in"):
        chainpipe.load_model(tmp_path)
    model.save(tmp_path / "model")
    weights = tmp_path / "model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(DamageError, match="altered or is cut short"):
        chainpipe.load_model(tmp_path / "model")


def test_saving_a_model_never_replaces_something_else(
    tmp_path: Path, model: chainpipe.Model
) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(UsageError, match="exists and is not a model"):
        model.save(tmp_path)
    model.save(tmp_path / "model")
    model.save(tmp_path / "model")
    assert (tmp_path / "mine").read_text() == "mine"


def test_extraction_names_what_is_wrong(tmp_path: Path) -> None:
    out = tmp_path / "feats.h5"
    with pytest.raises(UsageError, match="nowhere"):
        chainpipe.extract(tmp_path / "nowhere", out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty"):
        chainpipe.extract(tmp_path / "empty", out)
    with pytest.raises(UsageError, match="`frames` is 0"):
        chainpipe.extract(tmp_path, out, frames=0)
    with pytest.raises(UsageError, match="no class of failures `all of them`"):
        chainpipe.extract(tmp_path, out, retry=("all of them",))


def test_evaluation_by_a_distance_names_what_is_missing(model: chainpipe.Model) -> None:
    codes, labels = model.encode(FEATURES), ["x", "y"] * 20
    values = model.values(FEATURES)
    for given, message in (
        ({"distance": "cosine"}, "no distance `cosine`"),
        ({"distance": "rerank", "rerank_depth": 0}, "0 answers cannot be re-ranked"),
        ({"distance": "asymmetric"}, "`asymmetric` needs `values`"),
        ({"distance": "rerank"}, "`rerank` needs `features`"),
        ({"values": values}, "`hamming` takes no `values`"),
        ({"distance": "asymmetric", "values": values[1:]}, "`values` must be"),
        ({"distance": "asymmetric", "values": -values}, "their signs differ"),
        ({"distance": "rerank", "features": FEATURES[1:]}, "`features` are of 39 videos"),
    ):
        with pytest.raises(UsageError, match=message) as caught:
            chainpipe.evaluate(codes, labels, **given)  # type: ignore[arg-type]
        assert caught.value.hint


def test_evaluation_names_what_is_missing(model: chainpipe.Model) -> None:
    codes = model.encode(FEATURES)
    with pytest.raises(UsageError, match="no labels"):
        chainpipe.evaluate(codes)
    with pytest.raises(UsageError, match="`labels` has 1 entries"):
        chainpipe.evaluate(codes, ["x"])
    labels = ["x", "y"] * 20
    with pytest.raises(UsageError, match="no protocol `best`"):
        chainpipe.evaluate(codes, labels, "best")
    with pytest.raises(UsageError, match="not measured at 7"):
        chainpipe.evaluate(codes, labels).map(7)
    labelled = chainpipe.Codes.from_bits(np.eye(3), labels=["x", "y", "x"])
    with pytest.raises(UsageError, match="codes of 3 bits"):
        chainpipe.evaluate(codes, labels, queries=labelled)
    with pytest.raises(UsageError, match="by no other protocol"):
        chainpipe.evaluate(labelled, queries=labelled, keep_self=True)
