"""Ablation plan: each loss alone, each pair, all; every extension and switch changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import combinations
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ..config import Config
from ..config.fields import sections
from ..config.losses import LOSSES
from ..config.overrides import Scalar, key_names
from ..config.presets import TASKS
from .plan import ExperimentPlan, Variant, config_of

OURS = {"contrastive": 1.0, "order": 0.1, "scene": 0.1}  # weights beside our extensions
PAPER = {"contrastive": 1.0, "order": 0.3, "scene": 0.3}  # weights of the --paper preset [I]
OTHER = 0.1  # weight of a loss that is off by default
EXTENSIONS: dict[str, dict[str, Scalar]] = {
    "no neighbours": {"neighbours.k": 0},
    "neighbours by means": {"neighbours.source": "means", "neighbours.update_every": 0},
    "neighbours by means, then by codes": {"neighbours.source": "means"},
    "little weight decay": {"optim.weight_decay": 1e-4},
    "whitening": {"input.whitening": 0.25},
    "within-video variance kept": {"input.within_whitening": 0.0},
    "hash layer starts at random": {"hash.init": "random"},
    "a position for each frame": {"encoder.position_slots": 0},
    "start not distilled": {"hash.distill_steps": 0},
    "only the start": {"optim.epochs": 0},
    "structure off": {"similarity.weight": 0.0},
    "nothing held out": {"validation.fraction": 0.0},
    "clusters of videos": {"swav.weight": 0.3},
    "no order": {"order.weight": 0.0},
    "no scene": {"scene.weight": 0.0},
    "no order, no scene": {"order.weight": 0.0, "scene.weight": 0.0},
    "no reflection": {"reflection.weight": 0.0},
    "spectrum kept": {"reflection.flatten": 0.0},
}
STRENGTHS: dict[str, dict[str, Scalar]] = {
    "no noise": {"views.noise": 0.0},
    "no feature dropout": {"views.feature_dropout": 0.0},
    "frame dropout": {"views.frame_dropout": 0.2},
    "frames resampled": {"views.temporal_jitter": 1},
    "frames of a scene mixed": {"views.scene_mixup": 0.3},
    "debiased contrast": {"contrastive.tau_plus": 0.1},
    "partial shuffle": {"order.weight": OURS["order"], "order.shuffle_fraction": 0.5},
    "sharp positions": {"order.weight": OURS["order"], "order.label_std": 0.0},
    "scenes found anew": {"scene.weight": OURS["scene"], "scene.update_every": 5},
    "order ramps up": {"order.weight": OURS["order"], "order.warmup": 0.5},
    "scene ramps up": {"scene.weight": OURS["scene"], "scene.warmup": 0.5},
}
ELSEWHERE = (  # keys with choices that other plans or rows compare
    *("encoder.kind", "views.mode", "views.spatial", "views.spatial_per_frame", "hash.init"),
    *("neighbours.source", "validation.stop_on_failure"),
)


def ablation() -> ExperimentPlan:
    """Return the ablation plan; rows equal to the defaults are left out."""
    default = Variant(label="default", group="default")
    turned = [
        *_extensions("extension", {**EXTENSIONS, **_other_losses()}),
        *_switches(),
        *_extensions("strength", STRENGTHS),
    ]
    kept = [row for row in turned if config_of(row, {}) != Config()]
    return ExperimentPlan(
        name="ablation",
        about="What does each of CHAIN's three losses add, alone, in pairs and together, with "
        "our extensions and as published; and which switches matter?",
        reference="default",
        rows=(default, *_tasks(OURS, paper=False), *_tasks(PAPER, paper=True), *kept),
    )


def _tasks(weights: dict[str, float], *, paper: bool) -> list[Variant]:
    """Return a row for each loss alone, each pair, and all three."""
    head = "paper" if paper else "tasks"
    rows = []
    for count in (1, 2, 3):
        for names in combinations(TASKS, count):
            values: dict[str, Scalar] = {
                f"{task}.weight": weights[task] if task in names else 0.0 for task in TASKS
            }
            label = f"{head}: {' + '.join(names) if count < 3 else 'all'}"
            values["similarity.weight"] = 0.0
            rows.append(Variant(label=label, paper=paper, values=values, group=head))
    return rows


def _other_losses() -> dict[str, dict[str, Scalar]]:
    """Return a row for each registered loss, such as a plug-in's, that no other row switches."""
    switched = {key for values in EXTENSIONS.values() for key in values}
    others = [n for n in LOSSES if n not in TASKS and f"{n}.weight" not in switched]
    return {f"{name} on": {f"{name}.weight": OTHER} for name in others}


def _extensions(group: str, turned: dict[str, dict[str, Scalar]]) -> list[Variant]:
    return [Variant(label=label, values=values, group=group) for label, values in turned.items()]


def _switches() -> list[Variant]:
    """Return a row for every value but the default of every key with a list of choices."""
    plain, rows = Config(), []
    for key in key_names(plain):
        section, name = key.split(".")
        if key in ELSEWHERE:
            continue
        part = sections(plain)[section]
        for choice in _choices(part, name):
            if choice != getattr(part, name):
                label = f"{key}={str(choice).lower() if isinstance(choice, bool) else choice}"
                rows.append(Variant(label=label, values={key: choice}, group="switch"))
    return rows


def _choices(part: Any, name: str) -> Sequence[Scalar]:
    """Return the choices of a key; none for numbers."""
    assert name in [item.name for item in fields(part)]
    kind = get_type_hints(type(part))[name]
    if kind is bool:
        return (False, True)
    if get_origin(kind) is Literal:
        return [choice for choice in get_args(kind) if choice != "auto"]
    return ()
