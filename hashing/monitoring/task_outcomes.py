"""What the held-out videos say of the order and the scene task: learned, or not to be learned here.

The thresholds are ours [I].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .history import HistoryRow

TIMES_CHANCE = 2.0  # order accuracy that counts as learned
SCENE_LEFT = 0.9  # fraction of the scene loss before training, likewise
NO_SCENES = 1e-6  # a scene loss below is that of videos of one scene each


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """Whether a task was learned.

    Attributes:
        name: ``order`` or ``scene``.
        learned: Whether the last validation shows it.
        evidence: The values that show it, as text.
    """

    name: str
    learned: bool
    evidence: str

    def __str__(self) -> str:
        if self.learned:
            return f"{self.name}: learned, {self.evidence}"
        return f"{self.name}: this library cannot teach it, {self.evidence}"


def task_outcomes(history: Sequence[HistoryRow]) -> list[TaskOutcome]:
    """Return the outcome of the order and of the scene task by the last validation.

    Args:
        history: Rows as the trainer writes them; only those with ``val_`` metrics are used.
    """
    rows = [row for row in history if "val_bit_entropy" in row]
    if len(rows) < 2:
        return []
    first, now = rows[0], rows[-1]
    found = []
    if "val_order_accuracy" in now:
        accuracy, chance = now["val_order_accuracy"], now["val_order_chance"]
        text = f"held-out accuracy {accuracy:.2f}, chance {chance:.2f} (needed: twice)"
        found.append(TaskOutcome("order", accuracy >= TIMES_CHANCE * chance, text))
    if "val_scene" in now:
        before, loss = first["val_scene"], now["val_scene"]
        text = f"held-out loss {before:.3f} before training, {loss:.3f} now (needed: a tenth less)"
        if before < NO_SCENES:
            text = "every held-out video is one scene"
        found.append(TaskOutcome("scene", NO_SCENES <= loss <= SCENE_LEFT * before, text))
    return found
