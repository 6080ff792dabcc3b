"""Named experiment plans: methods, ablation, sensitivity, encoders, sampling, spatial."""

from __future__ import annotations

from chainpipe.pipeline.errors import UsageError

from ..config.model import ENCODERS
from ..config.overrides import Scalar
from ..methods.registry import METHODS
from .ablation import ablation
from .plan import ExperimentPlan, Variant
from .sensitivity import sensitivity

NAMES = ("methods", "ablation", "sensitivity", "encoders", "sampling", "spatial")

SHORT = 20  # epochs of the short rows of methods with many epochs


# ConMH's network with the losses and hyperparameters of another method, not that method's network.
BTH_LIKE: dict[str, Scalar] = {
    "similarity.weight": 0.087,  # 0.08 / 0.92, relative to the reconstruction loss
    "contrastive.weight": 0.0,
    "mask.ratio": 0.15,
    "encoder.num_layers": 1,
    "encoder.num_heads": 1,
    "decoder.num_layers": 1,
    "optim.batch_size": 256,
    "optim.lr": 3e-4,
    "optim.min_lr": 1e-4,
    "optim.epochs": 55,
}
S5VH_LIKE: dict[str, Scalar] = {
    "centres.weight": 0.01,
    "contrastive.weight": 2.5,
    "encoder.num_layers": 6,
    "decoder.num_layers": 1,
    "optim.lr": 5e-4,
    "optim.epochs": SHORT,
}


def experiment_plan(name: str) -> ExperimentPlan:
    """Return the plan of a name.

    Raises:
        UsageError: If there is none.
    """
    plans = {
        "methods": methods,
        "ablation": ablation,
        "sensitivity": sensitivity,
        "encoders": encoders,
        "sampling": sampling,
        "spatial": spatial,
    }
    if name not in plans:
        raise UsageError(
            f"no experiment `{name}`",
            hint=f"one of {', '.join(NAMES)}, rivals, custom, or a `.toml` file",
        )
    return plans[name]()


def methods() -> ExperimentPlan:
    """Return the plan of all methods with their defaults, and CHAIN's published configuration."""
    ours = [Variant(label="chain"), Variant(label="chain --paper", paper=True)]
    short: dict[str, Scalar] = {"optim.epochs": SHORT}
    learned = [name for name in METHODS if METHODS[name].config is not None]
    rivals = [name for name in learned if name != "chain"]
    baselines = [name for name in METHODS if name not in learned]
    brief = [Variant(label=f"{name}, {SHORT} epochs", method=name, values=short) for name in rivals]
    like = [
        Variant(label="bth-like", method="conmh", values=BTH_LIKE),
        Variant(label=f"s5vh-like, {SHORT} epochs", method="conmh", values=S5VH_LIKE),
    ]
    others = [*brief, *like, *(Variant(label=name, method=name) for name in (*rivals, *baselines))]
    return ExperimentPlan(
        name="methods",
        about="How good are the codes of each method? Each has its own defaults; `chain --paper` "
        "is CHAIN as published, without our extensions. Other methods are trained as long as "
        f"published, and for {SHORT} epochs, which still take several times the CPU time of "
        "CHAIN. `bth-like` and `s5vh-like` are ConMH's network with their losses and "
        "hyperparameters, without BTH's cluster loss and without S5VH's state-space blocks.",
        reference="chain",
        rows=(*ours, *others),
    )


def encoders() -> ExperimentPlan:
    """Return the plan of all encoders."""
    return ExperimentPlan(
        name="encoders",
        about="Which encoder over the frames is best, and what does each cost?",
        reference="transformer",
        rows=tuple(Variant(label=kind, values={"encoder.kind": kind}) for kind in ENCODERS),
    )


def sampling() -> ExperimentPlan:
    """Return the plan of frame sampling modes of a view."""
    modes = ("halves", "segment", "random", "consecutive")
    return ExperimentPlan(
        name="sampling",
        about="How should the frames of the two views of a video be drawn?",
        reference="halves",
        rows=tuple(Variant(label=mode, values={"views.mode": mode}) for mode in modes),
    )


def spatial() -> ExperimentPlan:
    """Return the plan of spatial augmentation, with and without feature noise."""
    ways: dict[str, dict[str, Scalar]] = {
        "no copies": {"views.spatial": "off"},
        "copies, one a view": {"views.spatial": "on", "views.spatial_per_frame": False},
        "copies, one a frame": {"views.spatial": "on", "views.spatial_per_frame": True},
    }
    plain: dict[str, Scalar] = {"views.noise": 0.0, "views.feature_dropout": 0.0}
    rows = [
        Variant(label=label, values=values, group="with noise") for label, values in ways.items()
    ]
    rows += [
        Variant(label=f"{label}, no noise", values={**values, **plain}, group="without noise")
        for label, values in ways.items()
    ]
    return ExperimentPlan(
        name="spatial",
        about="What do spatially augmented views of a video add, temporally consistent (one "
        "augmentation a view) or not (one a frame), with and without feature noise?",
        reference="no copies",
        rows=tuple(rows),
    )
