"""What the held-out videos say of a task, by planted histories."""

from __future__ import annotations

import pytest

from chainpipe.hashing.monitoring.history import HistoryRow
from chainpipe.hashing.monitoring.task_outcomes import task_outcomes

LOOK: HistoryRow = {
    "val_bit_entropy": 0.9,
    "val_order_accuracy": 0.1,
    "val_order_chance": 0.1,
    "val_scene": 2.0,
}


def outcomes(*looks: dict[str, float]) -> dict[str, bool]:
    history = [{**LOOK, **look, "epoch": epoch} for epoch, look in enumerate(looks)]
    return {outcome.name: outcome.learned for outcome in task_outcomes(history)}


@pytest.mark.parametrize(
    ("accuracy", "loss", "order", "scene"),
    [(0.2, 1.8, True, True), (0.19, 1.81, False, False), (0.5, 2.0, True, False)],
)
def test_the_last_look_is_compared_with_chance_and_with_the_start(
    accuracy: float, loss: float, order: bool, scene: bool
) -> None:
    last = {"val_order_accuracy": accuracy, "val_scene": loss}
    assert outcomes({}, {}, last) == {"order": order, "scene": scene}
    assert outcomes({}, last, {}) == {"order": False, "scene": False}


def test_videos_of_one_scene_each_cannot_teach_scenes() -> None:
    assert outcomes({"val_scene": 0.0}, {"val_scene": 0.0})["scene"] is False
    history = [{**LOOK, "val_scene": 0.0, "epoch": epoch} for epoch in range(2)]
    assert "every held-out video is one scene" in str(task_outcomes(history)[1])


def test_the_sentence_has_the_values() -> None:
    order, scene = task_outcomes([{**LOOK, "epoch": 0}, {**LOOK, "epoch": 1}])
    assert str(order) == (
        "order: this library cannot teach it, held-out accuracy 0.10, chance 0.10 (needed: twice)"
    )
    assert "held-out loss 2.000 before training, 2.000 now" in str(scene)


def test_without_looks_or_tasks_nothing_is_said() -> None:
    assert task_outcomes([]) == task_outcomes([{**LOOK, "epoch": 0}]) == []
    assert task_outcomes([{"epoch": 0, "loss": 1.0}, {"epoch": 1, "loss": 1.0}]) == []
    assert task_outcomes([{"val_bit_entropy": 0.9}, {"val_bit_entropy": 0.9}]) == []
