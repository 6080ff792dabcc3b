"""What cannot be taught is switched off, a harmful training is undone; also after a resume."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from chainpipe.hashing.monitoring.failure_signatures import START_KEPT, HistoryRow
from chainpipe.hashing.runtime.determinism import deterministic_torch
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.training.checkpoint import State
from chainpipe.hashing.training.trainer import Trainer
from tests.hashing.monitoring.test_failure_signatures import GOOD, watched

SHORT: dict[str, object] = {
    "optim.epochs": 6,
    "validation.every": 1,
    "hash.distill_steps": 0,
    "order.if_unlearned": "drop",
    "scene.if_unlearned": "drop",
}


def small(**changes: object) -> Trainer:
    return watched({**SHORT, **changes}, videos=48)


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.objective.state_dict().items()}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one | other)


def history(looks: int, **last: float) -> list[HistoryRow]:
    plain = {**GOOD, "val_order_accuracy": 0.5, "val_scene": 1.0}
    first: HistoryRow = {**plain, "val_scene": 2.0, "epoch": 0}
    return [first, *({**plain, **last, "epoch": epoch} for epoch in range(1, looks))]


@pytest.mark.parametrize(
    ("looks", "last", "off"),
    [
        (3, {"val_order_accuracy": 0.1}, set()),  # before half of the steps
        (4, {"val_order_accuracy": 0.1}, {"order"}),
        (4, {"val_scene": 1.9}, {"scene"}),
        (7, {"val_order_accuracy": 0.1, "val_scene": 1.9}, {"order", "scene"}),
        (7, {}, set()),
    ],
)
def test_what_half_of_the_steps_did_not_teach_is_switched_off(
    looks: int, last: dict[str, float], off: set[str]
) -> None:
    trainer = small()
    before = dict(trainer.objective.weights)
    state = trainer.state() | {"step": looks - 1, "history": history(looks, **last)}
    trainer.restore(state)
    assert trainer.objective.weights == before | dict.fromkeys(off, 0.0)


def test_a_loss_that_is_to_be_kept_stays() -> None:
    trainer = small(**{"order.if_unlearned": "keep"})
    before = dict(trainer.objective.weights)
    looks = history(7, val_order_accuracy=0.1, val_scene=1.9)
    trainer.restore(trainer.state() | {"step": 6, "history": looks})
    assert trainer.objective.weights == before | {"scene": 0.0}


def test_only_the_first_look_after_half_of_the_steps_counts() -> None:
    trainer = small()
    rows = history(7)
    rows[6]["val_order_accuracy"] = 0.1
    trainer.restore(trainer.state() | {"step": 6, "history": rows})
    assert trainer.objective.weights["order"] > 0


@pytest.mark.parametrize("stop_at", [2, 3, 5])
def test_a_resumed_run_switches_off_the_same(stop_at: int) -> None:
    kept: list[State] = []
    whole, cut = small(), small()

    def keep(row: HistoryRow, total: int) -> None:
        if row["epoch"] == stop_at:  # one step an epoch
            kept.append(copy.deepcopy(whole.state()))

    with deterministic_torch(1):
        first = whole.run(callbacks=Callbacks(epoch=keep))
        assert whole.objective.weights["order"] == 0  # six steps do not teach it
        cut.restore(kept[0])
        assert (cut.objective.weights["order"] == 0) == (stop_at >= 3)
        assert cut.run() == first
    assert same(weights(whole), weights(cut))


def harmful(trainer: Trainer, *, start: bool) -> tuple[State, list[HistoryRow]]:
    """Return the state of a finished training that lost what the start kept."""
    state = copy.deepcopy(trainer.state())
    if not start:
        del state["start"]
    for tensor in state["objective"].values():
        tensor.mul_(2)
    rows = history(7, val_new_kept=0.1, val_halves_found=0.1)
    return state | {"step": trainer.steps, "history": rows}, rows


def test_the_start_is_kept_to_the_bit_where_training_only_harmed() -> None:
    trainer, resumed = small(), small()
    initial = weights(trainer)
    state, _ = harmful(trainer, start=True)
    resumed.restore(state)
    assert not same(weights(resumed), initial)
    assert resumed.run()[-1][START_KEPT] == 1.0
    assert same(weights(resumed), initial)


def test_a_checkpoint_without_the_start_keeps_the_trained_weights() -> None:
    trainer, resumed = small(), small()
    state, _ = harmful(trainer, start=False)
    resumed.restore(state)
    trained = weights(resumed)
    assert START_KEPT not in resumed.run()[-1]
    assert same(weights(resumed), trained)


def test_a_good_training_keeps_its_weights() -> None:
    trainer = small()
    state, _ = harmful(trainer, start=True)
    trainer.restore(state | {"history": history(7)})
    trained = weights(trainer)
    assert START_KEPT not in trainer.run()[-1]
    assert same(weights(trainer), trained)


def test_a_random_start_is_not_kept() -> None:
    assert small(**{"hash.init": "random", "hash.general": 0.0}).start is None
