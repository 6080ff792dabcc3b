"""Watching: who is held out, that it changes no weight, that a killed run is told the same."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.config.presets import Survey, only_tasks
from chainpipe.hashing.data.training_set import TrainingFrames
from chainpipe.hashing.data.validation_split import LEAST, MOST, validation_count, validation_mask
from chainpipe.hashing.methods.base import FitRequest
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.monitoring.code_metrics import top1_match_rate
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.pipeline.store import open_store
from tests.hashing.conftest import planted_features
from tests.hashing.runs.test_train import CONFIGS, SMALL, run

MakeStore = Callable[..., Path]
MEASURES = (
    "bit_balance",
    "bit_entropy",
    "dead_bits",
    "bit_correlation",
    "distinct_codes",
    "neighbours_kept",
    "halves_found",
    "positive_cosine",
    "contrastive_accuracy",
)


@pytest.fixture
def features() -> np.ndarray:
    return planted_features(80, 9, 12)


@pytest.fixture
def options(tmp_path: Path) -> TrainOptions:
    config = apply(SMALL, {"validation.fraction": 0.25})
    return TrainOptions(bits=12, config=config, out=tmp_path / "models" / "m", device="cpu")


@given(st.integers(2, 100_000), st.floats(0, 0.5))
def test_enough_are_held_out_or_none(videos: int, share: float) -> None:
    count = validation_count(videos, share)
    assert count == 0 or LEAST <= count <= MOST
    assert count <= max(0, videos - 2)
    assert count <= round(share * videos)


@given(st.integers(0, 1000))
def test_the_same_videos_are_held_out_wherever_they_stand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 256, size=(60, 32), dtype=np.uint8)
    mask, order = validation_mask(ids, 17), rng.permutation(60)
    assert mask.sum() == 17
    assert np.array_equal(validation_mask(ids[order], 17), mask[order])
    assert np.array_equal(validation_mask(ids[~mask], 0), np.zeros(43, bool))


def test_partners_are_found_as_by_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(2, 30, 6, generator=generator) >= 0).float() * 2 - 1
    hits = 0.0
    for a, b in ((one, other), (other, one)):
        for i in range(30):
            scores = [round(float(a[i] @ row), 4) for row in b]
            best = max(scores)
            hits += (scores[i] == best) / scores.count(best)
    assert top1_match_rate(one, other) == pytest.approx(hits / 60, abs=1e-6)
    assert top1_match_rate(torch.eye(4), torch.eye(4)) == 1.0


def test_watching_changes_no_weight_and_is_not_trained_on(
    make_store: MakeStore, features: np.ndarray
) -> None:
    with open_store(make_store(features)) as store:

        def trained(held: np.ndarray | None) -> dict[str, np.ndarray]:
            watching = None if held is None else TrainingFrames(store, held)
            # Order and scene are left out: watched, the trainer may switch them off.
            config = CHAIN.resolve(only_tasks(SMALL, ["contrastive"]), Survey(80, 0.5))
            frames = TrainingFrames(store, np.arange(60))
            request = FitRequest(bits=8, seed=0, device="cpu", validation=watching)
            return CHAIN.fit(config, frames, request).tensors

        alone, watched = trained(None), trained(np.arange(60, 80))
    assert all(np.array_equal(alone[name], watched[name]) for name in alone | watched)


@pytest.mark.parametrize("method", CONFIGS)
def test_a_share_of_zero_trains_on_all_as_before_and_says_nothing(
    make_store: MakeStore, features: np.ndarray, options: TrainOptions, method: str
) -> None:
    config = apply(CONFIGS[method], {"validation.fraction": 0.0})
    lines: list[str] = []
    path = make_store(features)
    report = run(path, replace(options, method=method, config=config), Callbacks(log=lines.append))
    assert lines[0] == "80 training videos (all of the store)"
    assert not any("held out" in line for line in lines)
    assert [row["epoch"] for row in report.history] == [1, 2, 3, 4]
    assert not any(name.startswith("val_") for name in report.history[-1])
    assert report.facts.data["held_out"] == 0


@pytest.mark.parametrize("method", CONFIGS)
def test_the_folder_tells_what_the_held_out_videos_say(
    make_store: MakeStore, features: np.ndarray, options: TrainOptions, method: str
) -> None:
    config = apply(CONFIGS[method], {"validation.fraction": 0.25, "validation.every": 3})
    lines: list[str] = []
    path = make_store(features)
    report = run(path, replace(options, method=method, config=config), Callbacks(log=lines.append))
    told = "20 of them are held out for validation, 5 of which are one region of the content"
    assert told in lines
    with open(report.folder / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows if row["val_bit_entropy"]] == ["0", "3", "4"]
    assert rows[0]["loss"] == "" != rows[1]["loss"]
    assert all(0 <= float(rows[-1][f"val_{name}"]) <= 1 for name in MEASURES)
    card = (report.folder / "README.md").read_text()
    assert "20 of them, for validation" in card
    assert "Failure signatures" in card
    assert "| held out, before | held out, at the end |" in card


def test_a_collapse_is_told_everywhere_and_can_stop_the_run(
    make_store: MakeStore, features: np.ndarray, options: TrainOptions
) -> None:
    changes = {
        "optim.lr": 5.0,
        "optim.epochs": 12,
        "hash.general": 0.0,  # bits that nothing trains cannot collapse
        "validation.fraction": 0.25,
        "validation.stop_on_failure": True,
    }
    told: list[str] = []
    watch = Callbacks(warn=lambda signature: told.append(str(signature)))
    path, asked = make_store(features), replace(options, config=apply(SMALL, changes))
    report = run(path, asked, watch)
    assert told
    assert told[0].startswith("collapsed bits (from epoch ")
    data = json.loads((report.folder / "config.json").read_text())["model"]["data"]
    assert data["signatures"][0]["name"] == "collapsed bits"
    assert data["stopped"] == report.history[-1]["epoch"] < 12
    card = (report.folder / "README.md").read_text()
    assert f"- {told[0]}" in card
    assert f"Stopped by a failure signature after epoch {data['stopped']}" in card
    assert run(path, asked).already_done


@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize("stop_at", [1, 4, 7])
def test_an_interrupted_watched_run_ends_with_the_same_weights_and_history(
    make_store: MakeStore,
    features: np.ndarray,
    options: TrainOptions,
    tmp_path: Path,
    stop: bool,
    stop_at: int,
) -> None:
    changes: dict[str, object] = {
        "validation.fraction": 0.25,
        "validation.stop_on_failure": stop,
        "scene.update_every": 1,
    }
    if stop:
        changes |= {"optim.lr": 5.0, "optim.epochs": 12}
    asked = replace(options, config=apply(SMALL, changes), checkpoint_seconds=0)

    def interrupt(done: int, total: int) -> None:
        if done == stop_at:
            raise KeyboardInterrupt

    path, out = make_store(features), tmp_path / "cut"
    whole = run(path, asked)
    with pytest.raises(KeyboardInterrupt):
        run(path, replace(asked, out=out), Callbacks(step=interrupt))
    cut = run(path, replace(asked, out=out))
    assert cut.facts.weights_sha256 == whole.facts.weights_sha256
    assert cut.history == whole.history
