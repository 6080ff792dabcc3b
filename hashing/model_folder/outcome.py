"""Training section of the model card: curves, final metrics and failure signatures."""

from __future__ import annotations

from ..monitoring.failure_signatures import START_KEPT, all_failure_signatures
from ..monitoring.history import HistoryRow
from ..monitoring.task_outcomes import task_outcomes

_VAL_PREFIX = "val_"


def outcome(history: list[HistoryRow], *, stopped: bool) -> str:
    """Return the training section as Markdown.

    Args:
        history: One row per epoch, or per distillation step.
        stopped: Whether a failure signature ended the run early.
    """
    parts = ["## Training\n", "![curves](curves.png)\n", *_signatures(history)]
    if stopped:
        epoch = history[-1]["epoch"]
        parts.append(
            f"Stopped by a failure signature after epoch {epoch:.0f} "
            "(`validation.stop_on_failure`).\n"
        )
    if history[-1].get(START_KEPT):
        parts.append("The start was kept: training only made the codes worse.\n")
    return "\n".join([*parts, *_tasks(history), _metrics_table(history)])


def _tasks(history: list[HistoryRow]) -> list[str]:
    """Return what the held-out videos say of the tasks, as Markdown."""
    found = [f"- {one}" for one in task_outcomes(history)]
    text = "Tasks (see `order.if_unlearned` and `scene.if_unlearned`):\n\n"
    return [text + "\n".join(found) + "\n"] if found else []


def _signatures(history: list[HistoryRow]) -> list[str]:
    """Return the failure signatures as Markdown; nothing for a run without validation."""
    if not any(name.startswith(_VAL_PREFIX) for name in history[0]):
        return []
    found = all_failure_signatures(history)
    if not found:
        return ["Failure signatures: none found.\n"]
    lines = "\n".join(f"- {signature}" for signature in found)
    return [f"Failure signatures:\n\n{lines}\n"]


def _metrics_table(history: list[HistoryRow]) -> str:
    """Return a table of final training metrics and of first and last validation metrics."""
    first, last = history[0], history[-1]
    names = list(dict.fromkeys(name.removeprefix(_VAL_PREFIX) for name in last))
    if not any(name.startswith(_VAL_PREFIX) for name in last):
        return _table([["", "at the end"], *([n, _said(last, n)] for n in names)])
    head = ["", "at the end", "held out, before", "held out, at the end"]
    rows = [[n, _said(last, n), *(_said(r, _VAL_PREFIX + n) for r in (first, last))] for n in names]
    return _table([head, *rows])


def _said(row: HistoryRow, name: str) -> str:
    return f"{row[name]:.4g}" if name in row else ""


def _table(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]) + "\n"
