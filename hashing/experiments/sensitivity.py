"""Sensitivity plan: one hyperparameter at a time, all others at their defaults."""

from __future__ import annotations

from ..config import Config
from ..config.overrides import Scalar
from .plan import ExperimentPlan, Variant, config_of

SWEEPS: dict[str, tuple[Scalar, ...]] = {
    "neighbours.scenes_per_video": (1, 2, 3, 4, 6),
    "neighbours.damping": (0.5, 0.9, 0.97, 0.99),
    "views.num_frames": (2, 4, 6, 8),
    "contrastive.temperature": (0.1, 0.2, 0.3, 0.5, 0.8),
    "views.noise": (0.0, 0.25, 0.5, 1.0),
    "views.feature_dropout": (0.0, 0.1, 0.2, 0.4),
    "order.weight": (0.0, 0.03, 0.1, 0.3, 1.0),
    "scene.weight": (0.0, 0.03, 0.1, 0.3, 1.0),
    "similarity.weight": (0.0, 0.25, 0.5, 1.0),
    "reflection.weight": (0.0, 0.3, 1.0, 3.0),
    "reflection.flatten": (0.0, 0.25, 0.5),
    "optim.weight_decay": (0.0, 0.005, 0.02, 0.05),
    "neighbours.k": (0, 5, 10, 15, 20, 30),
}


def sensitivity() -> ExperimentPlan:
    """Return the sensitivity plan; default values are the row ``default``, once."""
    rows = [
        Variant(label=f"{key}={value:g}", values={key: value}, group=key)
        for key, values in SWEEPS.items()
        for value in values
    ]
    kept = [row for row in rows if config_of(row, {}) != Config()]
    return ExperimentPlan(
        name="sensitivity",
        about="How sensitive are the codes to the number of scenes, the temperature, the "
        "strength of augmentation, and the weights of the losses?",
        reference="default",
        rows=(Variant(label="default", group="default"), *kept),
    )
