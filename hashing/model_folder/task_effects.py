"""Task effects: the fraction of bits that each task changes, in the metadata and in the card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from ..config.presets import TASKS
from .folder import ModelFacts, write_facts
from .marked_section import with_marked_section

TASK_EFFECTS = "task_effects"  # key of `ModelFacts.data`
CARD = "README.md"
BEGIN, END = "<!-- task effects: begin -->\n", "<!-- task effects: end -->\n"
_NONE = (
    "How many bits each task changes is not measured: `chainpipe train STORE --compare-tasks` "
    "adds it here.\n"
)
_LEAST_SHOWN = 5e-4  # smaller fractions would be shown as 0.0 %


def trained_tasks(config: Mapping[str, Any]) -> list[str]:
    """Return the tasks whose weight is not 0, by a resolved config as nested plain values.

    >>> on, off = {"weight": 0.1}, {"weight": 0.0}
    >>> trained_tasks({"contrastive": on, "order": off, "scene": on})
    ['contrastive', 'scene']
    >>> trained_tasks({"contrastive": on})  # of a method without the three tasks
    []
    """
    if not all(task in config for task in TASKS):
        return []
    return [task for task in TASKS if config[task]["weight"]]


def is_only_loss(task: str, config: Mapping[str, Any]) -> bool:
    """Return whether every loss but this one has weight 0, by a resolved config."""
    return not any(part.get("weight") for name, part in config.items() if name != task)


def add_task_effects(folder: Path, facts: ModelFacts, effects: Mapping[str, float]) -> ModelFacts:
    """Store task effects in the metadata of a model folder, and render them in its card.

    Both files are replaced atomically, the metadata last.

    Args:
        folder: The model folder.
        facts: Its metadata.
        effects: Fraction of the bits that differ without a task, by task.

    Returns:
        The metadata as written.

    Raises:
        StorageError: If a file cannot be written.
    """
    facts = replace(facts, data={**facts.data, TASK_EFFECTS: dict(effects)})
    card = folder / CARD
    if card.is_file():
        text = with_marked_section(
            card.read_text(encoding="utf-8"), task_effects_section(facts), begin=BEGIN, end=END
        )
        with storage_errors(card), atomic_replace(card) as temporary:
            temporary.write_text(text, encoding="utf-8")
    write_facts(folder, facts)
    return facts


def task_effects_section(facts: ModelFacts) -> str:
    """Return the card's lines about the tasks between their marks; ``""`` if none was trained."""
    if not trained_tasks(facts.config) or not facts.config["optim"]["epochs"]:
        return ""
    effects = facts.data.get(TASK_EFFECTS, {})
    lines = [_line(task, fraction, facts.config) for task, fraction in effects.items()]
    return BEGIN + ("\n".join(lines) + "\n" if lines else _NONE) + END


def _line(task: str, fraction: float, config: Mapping[str, Any]) -> str:
    """Return one task's effect as a list item.

    >>> _line("order", 0.0412, {"order": {"weight": 0.1}, "swav": {"weight": 1.0}})
    '- Task `order` changed 4.1 % of the bits (same seed without it).'
    """
    compared = "same seed without it"
    if is_only_loss(task, config):
        compared = "against the initial codes: no other loss was trained"
    if fraction == 0:
        return f"- Task `{task}` changed no bit: it does not move the codes ({compared})."
    shown = f"{100 * fraction:.1f} %" if fraction >= _LEAST_SHOWN else "less than 0.1 %"
    return f"- Task `{task}` changed {shown} of the bits ({compared})."
