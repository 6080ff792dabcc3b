"""What each task does to the codes, against trainings that are made by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply, from_dict
from chainpipe.hashing.config.presets import TASKS, paper_config
from chainpipe.hashing.data.training_set import TrainingFrames
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.methods.fit import tensors_of
from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.model_folder.folder import read_facts, write_facts
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runs.train import TrainReport, train
from chainpipe.hashing.runtime.determinism import deterministic_torch
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.training.objective import Objective
from chainpipe.pipeline.errors import TimeLimitError, UsageError
from chainpipe.pipeline.store import open_store
from tests.hashing.small import SIZES
from tests.hashing.small import TASKS as WEIGHTS

MakeStore = Callable[..., Path]

QUICK = {**SIZES, **WEIGHTS, "optim.epochs": 10, "optim.lr": 0.01}
ALONE = {"order.weight": 0.0, "scene.weight": 0.0, "similarity.weight": 0.0}


@pytest.fixture
def options(tmp_path: Path) -> TrainOptions:
    config = apply(Config(), QUICK)
    out = tmp_path / "models" / "m"
    return TrainOptions(bits=12, config=config, out=out, device="cpu", compare_tasks=True)


@pytest.fixture
def stored(make_store: MakeStore, planted: np.ndarray) -> Path:
    return make_store(planted)


def run(path: Path, options: TrainOptions, watch: Callbacks | None = None) -> TrainReport:
    with open_store(path) as store:
        return train(store, options, watch)


def effects(report: TrainReport) -> dict[str, float]:
    found: dict[str, float] = report.facts.data["task_effects"]
    return found


def encode(path: Path, folder: Path) -> np.ndarray:
    with open_store(path) as store:
        return load_hasher(folder)[1].encode(store.features(slice(0, len(store.videos))))


def codes_with_weight_zero(path: Path, config: dict[str, Any], task: str) -> np.ndarray:
    """Train a network whose loss is computed and multiplied by 0, and encode the store."""
    chosen = from_dict(config, Config())
    with open_store(path) as store, deterministic_torch(1):
        count = len(store.videos)
        frames = TrainingFrames(store, np.arange(count))
        device = torch.device("cpu")
        made = CHAIN.build(chosen, frames, bits=12, seed=0, device=device, state=None)
        assert isinstance(made.trainer.objective, Objective)
        made.trainer.objective.weights[task] = 0.0
        made.trainer.run()
        hasher = CHAIN.load(chosen, tensors_of(made.model))
        return hasher.encode(store.features(slice(0, count)))


def test_the_fractions_are_those_of_trainings_by_hand(
    stored: Path, options: TrainOptions, tmp_path: Path
) -> None:
    report = run(stored, options)
    config = report.facts.config
    codes = encode(stored, report.folder)
    by_hand = {t: (codes != codes_with_weight_zero(stored, config, t)).mean() for t in TASKS}
    assert effects(report) == by_hand
    assert min(by_hand.values()) > 0
    # The scene loss draws no random numbers, so it may be left out altogether.
    without = apply(from_dict(config, Config()), {"scene.weight": 0.0})
    plain = replace(options, config=without, out=tmp_path / "plain", compare_tasks=False)
    other = encode(stored, run(stored, plain).folder)
    assert effects(report)["scene"] == (codes != other).mean()


def test_a_lone_task_is_compared_with_the_initial_codes(
    stored: Path, options: TrainOptions, tmp_path: Path
) -> None:
    lone = apply(Config(), {**QUICK, **ALONE, "reflection.weight": 0.0})
    report = run(stored, replace(options, config=lone))
    start = apply(lone, {"optim.epochs": 0})
    initial = replace(options, config=start, out=tmp_path / "start", compare_tasks=False)
    codes = encode(stored, report.folder), encode(stored, run(stored, initial).folder)
    assert effects(report) == {"contrastive": (codes[0] != codes[1]).mean()}
    assert "initial codes: no other loss" in (report.folder / "README.md").read_text()


def test_the_model_is_that_of_a_run_without_comparison(
    stored: Path, options: TrainOptions, tmp_path: Path
) -> None:
    plain = run(stored, replace(options, out=tmp_path / "plain", compare_tasks=False))
    card = (plain.folder / "README.md").read_text()
    assert "`chainpipe train STORE --compare-tasks` adds it here" in card
    titles: list[str] = []
    compared = run(stored, replace(options, out=plain.folder), Callbacks(start=titles.append))
    assert titles == [f"training without {task}" for task in TASKS]
    assert not compared.already_done  # it was trained, but not compared
    assert compared.facts == read_facts(plain.folder)
    assert compared.facts.weights_sha256 == plain.facts.weights_sha256
    card = (plain.folder / "README.md").read_text()
    assert "--compare-tasks" not in card
    assert [f"- Task `{task}` changed " in card for task in TASKS] == [True] * 3
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["plain"]
    again = run(stored, replace(options, out=plain.folder), Callbacks(start=titles.append))
    assert (again.already_done, len(titles)) == (True, 3)


def test_an_interrupted_comparison_goes_on_with_the_tasks_that_are_left(
    stored: Path, options: TrainOptions, tmp_path: Path
) -> None:
    titles: list[str] = []

    def step(done: int, total: int) -> None:
        if len(titles) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(stored, options, Callbacks(start=titles.append, step=step))
    assert options.out is not None
    assert list(read_facts(options.out).data["task_effects"]) == ["contrastive"]
    with pytest.raises(TimeLimitError, match="before all tasks are compared"):
        run(stored, replace(options, time_limit=1e-9))
    titles.clear()
    report = run(stored, options, Callbacks(start=titles.append))
    assert titles == ["training without order", "training without scene"]
    whole = run(stored, replace(options, out=tmp_path / "models" / "whole"))
    assert effects(report) == effects(whole)
    assert sorted(path.name for path in options.out.parent.iterdir()) == ["m", "whole"]


def test_the_published_variant_is_compared_too(stored: Path, options: TrainOptions) -> None:
    paper = apply(paper_config(), {**SIZES, "optim.epochs": 2})
    assert list(effects(run(stored, replace(options, config=paper)))) == list(TASKS)


@pytest.mark.parametrize("videos", [20, 40])
def test_a_run_that_trains_no_task_says_so(
    make_store: MakeStore, planted: np.ndarray, options: TrainOptions, videos: int
) -> None:
    untrained = {**QUICK, **ALONE, "contrastive.weight": 0.0, "similarity.weight": 1.0}
    config = Config() if videos == 20 else apply(Config(), {**untrained, "optim.epochs": 1})
    lines: list[str] = []
    path = make_store(planted[:videos])
    report = run(path, replace(options, config=config), Callbacks(log=lines.append))
    reason = "no epochs were trained" if videos == 20 else "none has a weight"
    assert lines[-1] == f"no task is compared: {reason}"
    assert "task_effects" not in report.facts.data
    assert "compare-tasks" not in (report.folder / "README.md").read_text()


@pytest.mark.parametrize("method", ["pca-itq", "conmh"])
def test_a_method_without_the_tasks_is_refused(
    stored: Path, options: TrainOptions, method: str
) -> None:
    with pytest.raises(UsageError, match=f"`--method {method}` has no tasks to compare") as caught:
        run(stored, replace(options, method=method, config=None))
    assert "leave out `--compare-tasks`" in str(caught.value.hint)
    assert options.out is not None
    assert not options.out.parent.exists()


def test_several_processes_are_refused(
    stored: Path, options: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="trains in one process"):
        run(stored, options)


def test_a_model_of_another_version_is_not_compared(stored: Path, options: TrainOptions) -> None:
    plain = run(stored, replace(options, compare_tasks=False))
    write_facts(plain.folder, replace(plain.facts, version="0.0.1"))
    with pytest.raises(UsageError, match=r"was made by chainpipe 0\.0\.1") as caught:
        run(stored, options)
    assert "--restart" in str(caught.value.hint)
