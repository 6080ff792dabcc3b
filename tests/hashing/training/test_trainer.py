"""The loop: the rate, the batches, the bits after an interruption, and that it learns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chainpipe.hashing.config import AnyConfig, Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.config.presets import TASKS as TASK_NAMES
from chainpipe.hashing.data.training_set import TrainingFrames
from chainpipe.hashing.methods.base import FitRequest
from chainpipe.hashing.methods.chain.build_trainer import build_trainer, make_clips
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.methods.conmh import CONMH
from chainpipe.hashing.methods.fit import pick_device
from chainpipe.hashing.methods.learned import LearnedMethod
from chainpipe.hashing.runtime.determinism import deterministic_torch
from chainpipe.hashing.runtime.schedules import one_cycle, step_decay
from chainpipe.hashing.runtime.seeding import derive_generator, derive_seed
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.training.checkpoint import Checkpoint
from chainpipe.hashing.training.trainer import Trainer
from chainpipe.pipeline.errors import DamageError, TimeLimitError, UsageError
from chainpipe.pipeline.store import open_store
from tests.hashing.small import NEIGHBOURS, SIZES, TASKS
from tests.hashing.small import small as small_config

MakeStore = Callable[..., Path]

SMALL = {
    **SIZES,
    **TASKS,
    **NEIGHBOURS,
    "similarity.weight": 0.1,
    "reflection.weight": 0.1,
    "input.whitening": 0.0,
}
LOSSES = (*TASK_NAMES, "similarity", "reflection")


small = partial(small_config, SMALL)


def fitted(
    path: Path,
    config: AnyConfig,
    *,
    method: LearnedMethod[Any] = CHAIN,
    checkpoint: Checkpoint | None = None,
    stop_at: int | None = None,
) -> dict[str, np.ndarray]:
    """Train on a store; ``stop_at`` raises after so many steps, as a kill would."""

    def stop(done: int, total: int) -> None:
        if done == stop_at:
            raise KeyboardInterrupt

    with open_store(path) as store:
        frames = TrainingFrames(store, np.arange(len(store.videos)))
        request = FitRequest(
            bits=8,
            seed=0,
            device="cpu",
            checkpoint=checkpoint,
            callbacks=Callbacks(step=stop),
        )
        return method.fit(config, frames, request).tensors


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one | other)


SMALL_CONMH = apply(
    CONMH.config,
    {
        "encoder.hidden_dim": 16,
        "encoder.num_layers": 2,
        "encoder.num_heads": 3,
        "encoder.feed_forward_dim": 16,
        "decoder.hidden_dim": 8,
        "optim.epochs": 4,
        "optim.batch_size": 16,
    },
)
RUNS = pytest.mark.parametrize(
    ("method", "config"), [(CHAIN, small()), (CONMH, SMALL_CONMH)], ids=["chain", "conmh"]
)


@RUNS
def test_the_same_seed_gives_the_same_bits(
    make_store: MakeStore, planted: np.ndarray, method: LearnedMethod[Any], config: AnyConfig
) -> None:
    path = make_store(planted)
    first = fitted(path, config, method=method)
    torch.manual_seed(123)  # nothing may come from torch's own generator
    assert same(first, fitted(path, config, method=method))


@pytest.mark.parametrize(
    ("method", "config", "stop_at", "every"),
    [
        *((CHAIN, small(), stop_at, every) for stop_at in (1, 3, 5, 11) for every in (0.0, 3.0)),
        (CONMH, SMALL_CONMH, 3, 0.0),
        (CONMH, SMALL_CONMH, 11, 3.0),
    ],
)
def test_an_interrupted_run_ends_with_the_same_bits(
    make_store: MakeStore,
    planted: np.ndarray,
    tmp_path: Path,
    stop_at: int,
    every: float,
    method: LearnedMethod[Any],
    config: AnyConfig,
) -> None:
    path, clock = make_store(planted), iter(range(1000))
    whole = fitted(path, config, method=method)
    checkpoint = Checkpoint(tmp_path / "state.pt", every=every, clock=lambda: next(clock))
    with pytest.raises(KeyboardInterrupt):
        fitted(path, config, method=method, checkpoint=checkpoint, stop_at=stop_at)
    assert same(whole, fitted(path, config, method=method, checkpoint=checkpoint))


@pytest.mark.parametrize("stop_at", [7, 8])
def test_scenes_found_anew_survive_an_interruption(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path, stop_at: int
) -> None:
    path, config = make_store(planted), small(scene__update_every=2, scene__weight=1.0)
    whole = fitted(path, config)
    checkpoint = Checkpoint(tmp_path / "state.pt", every=0)
    with pytest.raises(KeyboardInterrupt):
        fitted(path, config, checkpoint=checkpoint, stop_at=stop_at)
    assert same(whole, fitted(path, config, checkpoint=checkpoint))
    assert not same(whole, fitted(path, small(scene__weight=1.0)))


def scenes_of_each_epoch(planted: np.ndarray, refresh: int) -> list[torch.Tensor]:
    """Train, and return the scenes of each epoch."""
    trainer = trainer_of(planted, small(scene__update_every=refresh, scene__weight=1.0))
    seen: list[torch.Tensor] = []

    def look(row: dict[str, float], total: int) -> None:
        assert trainer.clips.scenes is not None
        seen.append(trainer.clips.scenes)

    trainer.run(callbacks=Callbacks(epoch=look))
    return seen


def test_scenes_are_found_anew_as_often_as_asked(planted: np.ndarray) -> None:
    planted[7] = planted[7, :1]  # a video of equal frames: one scene whatever the encoder says
    for refresh, changes in [(0, []), (1, [1, 2, 3]), (2, [2]), (3, [3])]:
        scenes = scenes_of_each_epoch(planted, refresh)
        found = [e for e in range(1, 4) if not torch.equal(scenes[e], scenes[e - 1])]
        assert found == changes
        assert all(len(each[7].unique()) == 1 for each in scenes)
        assert all(len(each[8].unique()) > 1 for each in scenes)


@pytest.mark.parametrize("task", LOSSES)
def test_a_ramp_lets_one_weight_grow_and_changes_nothing_else(
    planted: np.ndarray, task: str
) -> None:
    trainer = trainer_of(planted, small(**{f"{task}__warmup": 0.5}))
    weight, rows = 1.0 if task == "contrastive" else 0.1, torch.arange(16)

    def reported(done: float) -> dict[str, float]:
        _, report = trainer.objective.eval()(
            trainer.clips,
            rows=rows,
            positive_indices=rows,
            neighbours=None,
            generator=derive_generator(0, "step", 0),
            progress=done,
        )
        return {name: float(value) for name, value in report.items()}

    full = reported(0.5)
    assert reported(1.0) == full
    for done in (0.0, 0.1, 0.4):
        part = reported(done)
        missing = weight * (1 - done / 0.5) * full[task]
        assert part.pop("loss") == pytest.approx(full["loss"] - missing, abs=1e-5)
        assert part == {name: value for name, value in full.items() if name != "loss"}


def test_a_run_tells_the_ramps_how_much_of_it_is_done(planted: np.ndarray) -> None:
    alone = {f"{name}__weight": 0 for name in LOSSES if name != "order"}
    config = small(**alone, order__warmup=0.75, optim__epochs=4, optim__batch_size=40)
    history = trainer_of(planted, config).run()
    shares = [row["loss"] / (0.1 * row["order"]) for row in history]  # one step an epoch
    assert shares == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-5)


def test_every_video_is_seen_once_an_epoch(make_store: MakeStore, planted: np.ndarray) -> None:
    trainer = trainer_of(planted, small())
    rows = torch.cat([trainer._rows(2, step) for step in range(trainer.steps_per_epoch)])
    assert sorted(rows.tolist()) == list(range(40))
    assert (trainer.steps_per_epoch, trainer.steps) == (3, 12)


def trainer_of(features: np.ndarray, config: Config) -> Trainer:
    from chainpipe.hashing.methods.chain.build_model import build_model
    from chainpipe.hashing.models.pca_whitening import fit_pca_whitening

    pca = fit_pca_whitening([features.reshape(-1, features.shape[2])], dims=10, whitening=0.25)
    model = build_model(config, pca, bits=8, seed=0)
    return build_trainer(config, model, make_clips(config, pca, pca(features), seed=0), seed=0)


def test_the_history_has_every_term_of_every_epoch(planted: np.ndarray) -> None:
    told = []
    trainer = trainer_of(planted, small())
    epoch = Callbacks(epoch=lambda row, total: told.append((row["epoch"], total)))
    history = trainer.run(callbacks=epoch)
    names = [
        "epoch",
        "loss",
        "contrastive",
        "positive_cosine",
        "order",
        "order_accuracy",
        "order_chance",
        "scene",
        "similarity",
        "reflection",
    ]
    assert [list(row) for row in history] == [names] * 4
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    row = history[-1]
    total = row["contrastive"] + 0.1 * sum(row[name] for name in LOSSES[1:])
    assert row["loss"] == pytest.approx(total, rel=1e-5)


def test_a_task_without_weight_is_not_run(planted: np.ndarray) -> None:
    config = small(**{f"{name}__weight": 0 for name in LOSSES if name != "contrastive"})
    trainer = trainer_of(planted, config)
    assert list(trainer.objective.losses) == ["contrastive"]
    assert trainer.clips.scenes is None


def test_training_without_any_task_is_refused(planted: np.ndarray) -> None:
    nothing = {f"{task}__weight": 0 for task in LOSSES}
    with pytest.raises(UsageError, match="every loss has weight 0"):
        trainer_of(planted, small(**nothing))


@pytest.mark.parametrize(
    ("task", "chance"), [("contrastive", None), ("order", math.log(9)), ("scene", None)]
)
def test_each_task_alone_gets_better(planted: np.ndarray, task: str, chance: float | None) -> None:
    weights = {f"{name}__weight": float(name == task) for name in ("contrastive", "order", "scene")}
    if task == "order":  # give the frames an order that can be seen
        planted += 3 * np.linspace(-1, 1, 9)[None, :, None].astype(np.float32)
    config = small(
        **weights,
        similarity__weight=0,
        reflection__weight=0,
        neighbours__k=0,
        views__noise=0.2,
        optim__epochs=60,
        optim__lr=3e-3,
    )
    history = trainer_of(planted, config).run()
    assert history[-1][task] < history[0][task] - 0.1
    if chance is not None:
        assert history[0][task] == pytest.approx(chance, rel=0.2)


def test_a_loss_that_is_no_number_ends_the_run(planted: np.ndarray) -> None:
    trainer = trainer_of(planted, small(neighbours__source="means"))
    trainer.clips.frames.fill_(math.nan)
    with pytest.raises(UsageError, match="the loss is `nan` after epoch 1"):
        trainer.run()


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"half a file")
    with pytest.raises(DamageError, match=r"state\.pt` is damaged"):
        Checkpoint(tmp_path / "state.pt", every=1).load()


def test_a_run_that_is_out_of_time_is_kept_and_goes_on(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    path, config = make_store(planted), small()
    ticks = itertools.count()
    short = Checkpoint(tmp_path / "s.pt", every=1000, limit=5, clock=lambda: next(ticks))
    with pytest.raises(TimeLimitError, match="time limit"):
        fitted(path, config, checkpoint=short)
    again = Checkpoint(tmp_path / "s.pt", every=1000)
    state = again.load()
    assert state is not None
    assert state["step"] == 5
    assert same(fitted(path, config), fitted(path, config, checkpoint=again))


def test_a_checkpoint_is_saved_no_more_often_than_asked(tmp_path: Path) -> None:
    times = iter([0, 4, 11, 11, 15])
    checkpoint = Checkpoint(tmp_path / "state.pt", every=10, clock=lambda: next(times))
    saved = []
    for number in range(3):
        checkpoint.save_if_due(lambda number=number: saved.append(number) or {"n": number})
    assert saved == [1]
    assert checkpoint.load() == {"n": 1}


@pytest.mark.parametrize("warmup", [0.0, 0.1, 1.0])
def test_the_rate_rises_to_one_and_falls_to_zero(warmup: float) -> None:
    rates = [one_cycle(step / 1000, warmup=warmup) for step in range(1001)]
    top = int(np.argmax(rates))
    assert max(rates) == pytest.approx(1.0)
    assert top == pytest.approx(1000 * warmup, abs=1)
    assert (np.diff(rates[: top + 1]) >= 0).all()
    assert (np.diff(rates[top:]) <= 0).all()
    if warmup < 1:
        assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_a_rate_of_stairs_keeps_still_and_stops_at_the_least() -> None:
    rates = [step_decay(epoch, step_size=20, gamma=0.9, floor=0.1) for epoch in range(805)]
    assert rates[:20] == [1.0] * 20
    assert rates[20:40] == [0.9] * 20
    assert rates[-1] == min(rates) == 0.1


def test_every_purpose_and_step_has_its_own_chance() -> None:
    seeds = {derive_seed(s, p, n) for s in range(3) for p in ("step", "order") for n in range(50)}
    assert len(seeds) == 300
    draws = [torch.rand(1, generator=derive_generator(0, "step", 7)).item() for _ in range(2)]
    assert draws[0] == draws[1]


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match="no device `gpu`"):
        pick_device("gpu")


def test_torchs_settings_are_put_back() -> None:
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with deterministic_torch(1):
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
